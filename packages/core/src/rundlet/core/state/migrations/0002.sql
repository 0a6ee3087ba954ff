-- Images of additional stores: other graph roots, which are only read (storage.conf,
-- additionalimagestores). Their rows are repeated here; `images.store` says whose they are.

CREATE TABLE stores (
    path        TEXT PRIMARY KEY,          -- the other graph root
    stamp       TEXT NOT NULL              -- of its state.db when its rows were read; '': read again
) STRICT, WITHOUT ROWID;

ALTER TABLE images ADD COLUMN store TEXT NOT NULL DEFAULT '';   -- path of a store, '': our own
