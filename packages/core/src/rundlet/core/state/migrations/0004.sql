-- Names that an image had, for `images --history`.

CREATE TABLE image_past_names (
    image       TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    name        TEXT NOT NULL,             -- as in image_names
    lost        INTEGER NOT NULL,          -- when it was taken away, or given to another image
    PRIMARY KEY (image, name)
) STRICT, WITHOUT ROWID;
