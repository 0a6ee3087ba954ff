-- Volumes of podman's driver `image`: a writable layer over an image.

ALTER TABLE volumes ADD COLUMN image TEXT NOT NULL DEFAULT '';   -- image id, '': another driver
ALTER TABLE volumes ADD COLUMN layer TEXT NOT NULL DEFAULT '';   -- id of the layer in the storage driver

CREATE VIEW image_users (image, layer) AS      -- what an image cannot go without
    SELECT image, layer FROM containers
    UNION ALL SELECT image, layer FROM volumes WHERE layer != '';
