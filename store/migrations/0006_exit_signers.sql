-- Exits with other wallets (spec/exit.md 3.3, 3.5, 3.7 and 4.4): whom a child may have reached, children and claims that are
-- signed elsewhere, preimages, and the alarm before a VTXO expires.

-- reach: 0 no node has it, 1 it is being given to one, 2 one may have it.  Of what was not mined before this was written down
-- nobody knows.  origin 4: given to us by whoever signs elsewhere.
CREATE TABLE exit_child_new (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	tx_id         INTEGER NOT NULL REFERENCES exit_tx (id),
	txid          BLOB NOT NULL CHECK (length(txid) = 32),
	raw           BLOB NOT NULL,
	weight        INTEGER NOT NULL CHECK (weight >= 1),
	fee           INTEGER CHECK (fee >= 0), -- NULL: not known
	origin        INTEGER NOT NULL CHECK (origin BETWEEN 1 AND 4),
	status        INTEGER NOT NULL CHECK (status BETWEEN 1 AND 4),
	reach         INTEGER NOT NULL CHECK (reach BETWEEN 0 AND 2),
	active        INTEGER NOT NULL CHECK (active IN (0, 1)),
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295),
	hash          BLOB CHECK (length(hash) = 32),
	refusal       TEXT, -- what a node said last
	created_at_ms INTEGER NOT NULL,
	UNIQUE (tx_id, txid),
	CHECK ((height IS NULL) = (hash IS NULL))
) STRICT;
INSERT INTO exit_child_new (id, tx_id, txid, raw, weight, fee, origin, status, reach, active, height, hash, refusal,
			    created_at_ms)
	SELECT id, tx_id, txid, raw, weight, fee, origin, status, 2, active, height, hash, refusal, created_at_ms
	FROM exit_child;
DROP TABLE exit_child;
ALTER TABLE exit_child_new RENAME TO exit_child;
CREATE UNIQUE INDEX exit_child_active ON exit_child (tx_id) WHERE active = 1;
CREATE INDEX exit_child_tx ON exit_child (tx_id, id);

-- Claims that were signed for another wallet, which sends them or does not.  fee: what of this exit's amount is known to be
-- the miners'.
CREATE TABLE exit_signed (
	txid          BLOB NOT NULL CHECK (length(txid) = 32),
	exit_id       INTEGER NOT NULL REFERENCES exit (id),
	fee           INTEGER NOT NULL CHECK (fee >= 0),
	created_at_ms INTEGER NOT NULL,
	PRIMARY KEY (txid, exit_id)
) STRICT, WITHOUT ROWID;

-- Preimages by their SHA-256: with one, a VTXO that somebody paid to a hash can be claimed.
CREATE TABLE ark_preimage (
	hash     BLOB PRIMARY KEY CHECK (length(hash) = 32),
	preimage BLOB NOT NULL CHECK (length(preimage) = 32)
) STRICT, WITHOUT ROWID;

-- It was told (exit.deadline) that few blocks are left before the server may take it.
ALTER TABLE vtxo ADD COLUMN alarmed INTEGER NOT NULL DEFAULT 0 CHECK (alarmed IN (0, 1));
