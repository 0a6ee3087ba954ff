-- The first schema. Times are integers in nanoseconds since the epoch; JSON columns
-- are marked so. Columns that `ps` and `images` print are columns of their own: the hot
-- path parses no JSON that it does not need.

CREATE TABLE blobs (
    digest      TEXT PRIMARY KEY,          -- "sha256:<hex>"; the file is blobs/sha256/<hex>
    size        INTEGER NOT NULL,
    media_type  TEXT NOT NULL DEFAULT '',
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE blob_locations (              -- where else a blob is known to be, for mounts and reuse
    digest      TEXT NOT NULL,
    transport   TEXT NOT NULL,
    scope       TEXT NOT NULL,             -- registry host
    location    TEXT NOT NULL,             -- repository
    seen        INTEGER NOT NULL,
    PRIMARY KEY (digest, transport, scope, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE layers (
    id          TEXT PRIMARY KEY,          -- chain ID, hex
    parent      TEXT REFERENCES layers(id),
    diff_id     TEXT NOT NULL,             -- "sha256:<hex>" of the uncompressed tar
    blob        TEXT REFERENCES blobs(digest),  -- compressed form as received; NULL: made here
    driver      TEXT NOT NULL,
    size        INTEGER NOT NULL,          -- unpacked bytes
    inodes      INTEGER NOT NULL DEFAULT 0,
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX layers_parent ON layers(parent);
CREATE INDEX layers_diff_id ON layers(diff_id);

CREATE TABLE images (
    id            TEXT PRIMARY KEY,        -- hex of the config's digest
    manifest      TEXT NOT NULL,           -- digest of the stored manifest (a blob)
    manifest_type TEXT NOT NULL,
    top_layer     TEXT REFERENCES layers(id),
    created       INTEGER NOT NULL,        -- from the config
    added         INTEGER NOT NULL,
    size          INTEGER NOT NULL,        -- unpacked, all layers
    os            TEXT NOT NULL DEFAULT '',
    architecture  TEXT NOT NULL DEFAULT '',
    variant       TEXT NOT NULL DEFAULT '',
    labels        TEXT NOT NULL DEFAULT '{}',   -- JSON
    pinned        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX images_top_layer ON images(top_layer);

CREATE TABLE image_names (
    name        TEXT PRIMARY KEY,          -- "host/repo:tag", fully qualified
    image       TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    tagged      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX image_names_image ON image_names(image);

CREATE TABLE image_digests (               -- repository digests an image was pulled or pushed by
    image       TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    repository  TEXT NOT NULL,             -- "host/repo"
    digest      TEXT NOT NULL,             -- manifest or index digest
    PRIMARY KEY (image, repository, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_digests_digest ON image_digests(digest);

CREATE TABLE image_blobs (                 -- every blob an image keeps: manifest, index, config, layers
    image       TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    digest      TEXT NOT NULL REFERENCES blobs(digest),
    PRIMARY KEY (image, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_blobs_digest ON image_blobs(digest);

CREATE TABLE pods (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    created     INTEGER NOT NULL,
    labels      TEXT NOT NULL DEFAULT '{}',     -- JSON
    config      TEXT NOT NULL DEFAULT '{}'      -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE containers (
    id            TEXT PRIMARY KEY,        -- 64 hex digits
    name          TEXT NOT NULL UNIQUE,
    pod           TEXT REFERENCES pods(id),
    image         TEXT NOT NULL DEFAULT '',     -- image id, '' for a root directory
    image_name    TEXT NOT NULL DEFAULT '',
    layer         TEXT NOT NULL DEFAULT '',     -- id of the writable layer in the storage driver
    storage       TEXT NOT NULL DEFAULT '',     -- storage driver
    runtime       TEXT NOT NULL,                -- OCI runtime driver
    status        TEXT NOT NULL,   -- creating created initialized running paused stopping exited
                                   -- removing (last known)
    pid           INTEGER NOT NULL DEFAULT 0,
    pid_start     INTEGER NOT NULL DEFAULT 0,   -- field 22 of /proc/PID/stat
    monitor_pid   INTEGER NOT NULL DEFAULT 0,
    monitor_start INTEGER NOT NULL DEFAULT 0,
    boot          TEXT NOT NULL DEFAULT '',     -- boot id of the machine when pid was written
    exit_code     INTEGER NOT NULL DEFAULT 0,
    oom_killed    INTEGER NOT NULL DEFAULT 0,
    restarts      INTEGER NOT NULL DEFAULT 0,
    health        TEXT NOT NULL DEFAULT '',
    created       INTEGER NOT NULL,
    started       INTEGER NOT NULL DEFAULT 0,
    finished      INTEGER NOT NULL DEFAULT 0,
    command       TEXT NOT NULL DEFAULT '',     -- as `ps` prints it
    ports         TEXT NOT NULL DEFAULT '',     -- as `ps` prints it
    labels        TEXT NOT NULL DEFAULT '{}',   -- JSON
    auto_remove   INTEGER NOT NULL DEFAULT 0,
    request       TEXT NOT NULL,                -- JSON of ContainerRequest
    network       TEXT NOT NULL DEFAULT '',     -- JSON of AttachResult, '' when not attached
    extra         TEXT NOT NULL DEFAULT '{}'    -- JSON, anything else
) STRICT, WITHOUT ROWID;
CREATE INDEX containers_image ON containers(image);
CREATE INDEX containers_pod ON containers(pod);

CREATE TABLE exec_sessions (
    id          TEXT PRIMARY KEY,
    container   TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
    pid         INTEGER NOT NULL DEFAULT 0,
    pid_start   INTEGER NOT NULL DEFAULT 0,
    exit_code   INTEGER,                        -- NULL while it runs
    created     INTEGER NOT NULL,
    config      TEXT NOT NULL DEFAULT '{}'      -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX exec_sessions_container ON exec_sessions(container);

CREATE TABLE volumes (
    name        TEXT PRIMARY KEY,
    driver      TEXT NOT NULL DEFAULT 'local',
    anonymous   INTEGER NOT NULL DEFAULT 0,
    created     INTEGER NOT NULL,
    labels      TEXT NOT NULL DEFAULT '{}',     -- JSON
    options     TEXT NOT NULL DEFAULT '{}',     -- JSON
    copied_up   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE container_volumes (
    container   TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
    volume      TEXT NOT NULL REFERENCES volumes(name),
    destination TEXT NOT NULL,
    PRIMARY KEY (container, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_volumes_volume ON container_volumes(volume);

CREATE TABLE networks (                         -- which plugin a named network belongs to
    name        TEXT PRIMARY KEY,
    plugin      TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    driver      TEXT NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    labels      TEXT NOT NULL DEFAULT '{}',     -- JSON
    options     TEXT NOT NULL DEFAULT '{}'      -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    sequence    INTEGER PRIMARY KEY,
    time        INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    action      TEXT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL DEFAULT '',
    attributes  TEXT NOT NULL DEFAULT '{}'      -- JSON
) STRICT;

CREATE TABLE leases (                           -- work under way; a dead owner's is garbage
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,                  -- what `object` names: layer, blob, container, mount
    object      TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    pid_start   INTEGER NOT NULL,
    created     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_object ON leases(kind, object);

CREATE TABLE settings (                         -- facts fixed when the store was made (storage driver)
    name        TEXT PRIMARY KEY,
    value       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
