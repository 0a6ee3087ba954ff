-- Manifest lists stand among the images, so that they share their names, as podman has it. Such a
-- row has no layers; its `manifest` is the digest of the index, which is no blob of the store.

ALTER TABLE images ADD COLUMN list TEXT NOT NULL DEFAULT '';    -- JSON (images/lists.py), '': an image
