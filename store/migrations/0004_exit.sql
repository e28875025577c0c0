-- VTXOs, and their way onto the chain (spec/exit.md 1.2; spec/ark-flows.md 5.1 and 6).  Hashes and txids are in internal
-- order; weights are in weight units, feerates in satoshi per 1000 of them.

-- The ledger has one account more: what is on chain and not claimed yet.
CREATE TABLE ledger_entry_new (
	movement_id INTEGER NOT NULL REFERENCES movement (id),
	account     INTEGER NOT NULL CHECK (account BETWEEN 1 AND 8),
	delta       INTEGER NOT NULL CHECK (delta <> 0),
	PRIMARY KEY (movement_id, account)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_entry_new SELECT movement_id, account, delta FROM ledger_entry;
DROP TABLE ledger_entry;
ALTER TABLE ledger_entry_new RENAME TO ledger_entry;

-- m/350'/0', from which a VTXO's keys are derived, also while the seed is locked.
CREATE TABLE ark_wallet (
	id   INTEGER PRIMARY KEY CHECK (id = 1),
	xpub TEXT NOT NULL CHECK (length(xpub) BETWEEN 1 AND 111)
) STRICT;

-- Keys m/350'/0'/idx that are looked for, in order and without a hole.
CREATE TABLE ark_key (
	idx    INTEGER PRIMARY KEY CHECK (idx BETWEEN 0 AND 2147483647),
	pubkey BLOB NOT NULL UNIQUE CHECK (length(pubkey) = 33),
	given  INTEGER NOT NULL CHECK (given IN (0, 1)), -- somebody may know it
	used   INTEGER NOT NULL CHECK (used IN (0, 1))   -- a VTXO has it, or once had
) STRICT;
CREATE INDEX ark_key_known ON ark_key (idx) WHERE given = 1 OR used = 1;

-- Servers, by the key that is in each VTXO of theirs.
CREATE TABLE ark_server (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	pubkey     BLOB NOT NULL UNIQUE CHECK (length(pubkey) = 33),
	lost_at_ms INTEGER -- since when it is believed to be gone for good; NULL: it is not
) STRICT;

CREATE TABLE vtxo (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	txid          BLOB NOT NULL CHECK (length(txid) = 32), -- with vout: its own output
	vout          INTEGER NOT NULL CHECK (vout BETWEEN 0 AND 4294967295),
	amount        INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 2100000000000000),
	state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
	holder        TEXT,
	version       INTEGER NOT NULL,
	key_idx       INTEGER NOT NULL REFERENCES ark_key (idx),
	server_id     INTEGER NOT NULL REFERENCES ark_server (id),
	policy        INTEGER NOT NULL CHECK (policy BETWEEN 0 AND 255), -- as it is encoded
	expiry_height INTEGER NOT NULL CHECK (expiry_height BETWEEN 0 AND 4294967295),
	exit_delta    INTEGER NOT NULL CHECK (exit_delta BETWEEN 0 AND 65535),
	depth         INTEGER NOT NULL CHECK (depth >= 1), -- transactions that put it on chain
	exit_weight   INTEGER NOT NULL CHECK (exit_weight >= 1), -- of all of them
	anchor_txid   BLOB NOT NULL CHECK (length(anchor_txid) = 32),
	anchor_vout   INTEGER NOT NULL CHECK (anchor_vout BETWEEN 0 AND 4294967295),
	anchor_height INTEGER CHECK (anchor_height BETWEEN 0 AND 4294967295), -- the block that has the anchor, as it was last
	anchor_hash   BLOB CHECK (length(anchor_hash) = 32),                  -- looked at
	spk           BLOB NOT NULL CHECK (length(spk) BETWEEN 1 AND 100),
	bare          BLOB NOT NULL,
	genesis       BLOB NOT NULL,
	standard      INTEGER NOT NULL CHECK (standard IN (0, 1)), -- nodes relay its exit
	origin        TEXT NOT NULL,
	label         TEXT CHECK (length(label) <= 64),
	created_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL,
	UNIQUE (txid, vout),
	CHECK ((state = 2) = (holder IS NOT NULL)),
	CHECK ((anchor_height IS NULL) = (anchor_hash IS NULL))
) STRICT;
CREATE INDEX vtxo_ours ON vtxo (state, expiry_height) WHERE state NOT IN (3, 5);
CREATE INDEX vtxo_holder ON vtxo (holder) WHERE holder IS NOT NULL;
CREATE INDEX vtxo_anchor ON vtxo (anchor_txid, anchor_vout);
CREATE INDEX vtxo_key ON vtxo (key_idx);

-- Exits: one row per attempt; its holder of coins is "exit:<id>".
CREATE TABLE exit (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	vtxo_id       INTEGER NOT NULL REFERENCES vtxo (id),
	attempt       INTEGER NOT NULL CHECK (attempt >= 1),
	state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 8),
	live          INTEGER NOT NULL CHECK (live IN (0, 1)), -- somebody still looks after it
	checkpoint    TEXT NOT NULL, -- the state, as JSON
	version       INTEGER NOT NULL,
	feerate       INTEGER CHECK (feerate >= 1), -- instead of the network's
	scan_height   INTEGER CHECK (scan_height BETWEEN 0 AND 4294967295), -- searched for a claim up to this block
	scan_hash     BLOB CHECK (length(scan_hash) = 32),
	attempts      INTEGER NOT NULL CHECK (attempts >= 0), -- failed tries in a row
	error         TEXT, -- the last trouble, as JSON; NULL: the last try went well
	error_at_ms   INTEGER,
	wake_at_ms    INTEGER,
	started_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL,
	UNIQUE (vtxo_id, attempt),
	CHECK ((scan_height IS NULL) = (scan_hash IS NULL)),
	CHECK ((error IS NULL) = (error_at_ms IS NULL)),
	CHECK (live = 1 OR wake_at_ms IS NULL)
) STRICT;
CREATE UNIQUE INDEX exit_live ON exit (vtxo_id) WHERE live = 1;
CREATE INDEX exit_live_id ON exit (id) WHERE live = 1;
CREATE INDEX exit_due ON exit (wake_at_ms, id) WHERE wake_at_ms IS NOT NULL;
CREATE INDEX exit_state ON exit (state, id);

-- States that an exit has left.
CREATE TABLE exit_history (
	exit_id    INTEGER NOT NULL REFERENCES exit (id),
	seq        INTEGER NOT NULL CHECK (seq >= 1),
	at_ms      INTEGER NOT NULL,
	state      INTEGER NOT NULL,
	checkpoint TEXT NOT NULL,
	PRIMARY KEY (exit_id, seq)
) STRICT, WITHOUT ROWID;

-- The signed transactions of exits.  Those of one tree share their first ones.
CREATE TABLE exit_tx (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	txid          BLOB NOT NULL UNIQUE CHECK (length(txid) = 32),
	raw           BLOB NOT NULL,
	weight        INTEGER NOT NULL CHECK (weight >= 1),
	spends_txid   BLOB NOT NULL CHECK (length(spends_txid) = 32), -- its only input
	spends_vout   INTEGER NOT NULL CHECK (spends_vout BETWEEN 0 AND 4294967295),
	anchor_vout   INTEGER NOT NULL CHECK (anchor_vout BETWEEN 0 AND 4294967295), -- of its fee anchor
	anchor_value  INTEGER NOT NULL CHECK (anchor_value >= 0),
	place         INTEGER NOT NULL CHECK (place BETWEEN 1 AND 3),
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295),
	hash          BLOB CHECK (length(hash) = 32),
	checked_at_ms INTEGER, -- NULL: never
	CHECK ((place = 3) = (height IS NOT NULL) AND (place = 3) = (hash IS NOT NULL))
) STRICT;
CREATE INDEX exit_tx_spends ON exit_tx (spends_txid, spends_vout);
CREATE INDEX exit_tx_block ON exit_tx (height) WHERE height IS NOT NULL;

CREATE TABLE exit_tx_ref (
	exit_id INTEGER NOT NULL REFERENCES exit (id),
	idx     INTEGER NOT NULL CHECK (idx >= 0),
	tx_id   INTEGER NOT NULL REFERENCES exit_tx (id),
	PRIMARY KEY (exit_id, idx),
	UNIQUE (exit_id, tx_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX exit_tx_ref_tx ON exit_tx_ref (tx_id, exit_id);

-- The transactions that pay for them: at most one at a time is the one that counts.  A stranger's may pay for several.
CREATE TABLE exit_child (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	tx_id         INTEGER NOT NULL REFERENCES exit_tx (id),
	txid          BLOB NOT NULL CHECK (length(txid) = 32),
	raw           BLOB NOT NULL,
	weight        INTEGER NOT NULL CHECK (weight >= 1),
	fee           INTEGER CHECK (fee >= 0), -- NULL: not known
	origin        INTEGER NOT NULL CHECK (origin BETWEEN 1 AND 3),
	status        INTEGER NOT NULL CHECK (status BETWEEN 1 AND 4),
	active        INTEGER NOT NULL CHECK (active IN (0, 1)),
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295),
	hash          BLOB CHECK (length(hash) = 32),
	refusal       TEXT, -- what a node said last
	created_at_ms INTEGER NOT NULL,
	UNIQUE (tx_id, txid),
	CHECK ((height IS NULL) = (hash IS NULL))
) STRICT;
CREATE UNIQUE INDEX exit_child_active ON exit_child (tx_id) WHERE active = 1;
CREATE INDEX exit_child_tx ON exit_child (tx_id, id);

-- Claims of what has come on chain, several at once.  Its holder of coins is "claim:<id>".
CREATE TABLE exit_claim (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	txid          BLOB NOT NULL UNIQUE CHECK (length(txid) = 32),
	raw           BLOB NOT NULL,
	spk           BLOB NOT NULL CHECK (length(spk) BETWEEN 1 AND 42), -- where it pays
	own           INTEGER NOT NULL CHECK (own IN (0, 1)),             -- that is the on-chain wallet's
	amount        INTEGER NOT NULL CHECK (amount >= 1), -- what it pays
	fee           INTEGER NOT NULL CHECK (fee >= 0),
	weight        INTEGER NOT NULL CHECK (weight >= 1),
	status        INTEGER NOT NULL CHECK (status BETWEEN 1 AND 5),
	replaces      INTEGER REFERENCES exit_claim (id),
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295),
	hash          BLOB CHECK (length(hash) = 32),
	refusal       TEXT,
	created_at_ms INTEGER NOT NULL,
	CHECK ((status = 3) = (height IS NOT NULL) AND (status = 3) = (hash IS NOT NULL))
) STRICT;
CREATE INDEX exit_claim_open ON exit_claim (id) WHERE status IN (1, 2);

CREATE TABLE exit_claim_input (
	claim_id INTEGER NOT NULL REFERENCES exit_claim (id),
	exit_id  INTEGER NOT NULL REFERENCES exit (id),
	PRIMARY KEY (claim_id, exit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX exit_claim_input_exit ON exit_claim_input (exit_id, claim_id);
