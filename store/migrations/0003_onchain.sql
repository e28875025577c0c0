-- The chain as it is followed, and the on-chain wallet (spec/exit.md 6.5 and 7.3).  Hashes and txids are in internal order.
-- What a block confirms names that block by height and hash, and goes back with it; outputs are never deleted.

-- The ledger serves rails without a mint: NULL there, and 0 in the totals, where it is part of the key.  A child table is
-- copied before its parent goes; renaming takes the reference along.
CREATE TABLE movement_new (
	id        INTEGER PRIMARY KEY,
	at_ms     INTEGER NOT NULL,
	action_id TEXT,
	rail      TEXT NOT NULL,
	kind      TEXT NOT NULL,
	mint_id   INTEGER REFERENCES mint (id),
	unit      TEXT NOT NULL,
	note      TEXT,
	amount    INTEGER NOT NULL, -- net effect on what is ours
	fee       INTEGER NOT NULL,
	balance   INTEGER NOT NULL, -- what is ours in this unit afterwards
	txid      BLOB CHECK (length(txid) = 32),
	CHECK ((mint_id IS NOT NULL) = (rail = 'ecash'))
) STRICT;
INSERT INTO movement_new
	SELECT id, at_ms, action_id, rail, kind, mint_id, unit, note, amount, fee, balance, NULL FROM movement;
CREATE TABLE ledger_entry_new (
	movement_id INTEGER NOT NULL REFERENCES movement_new (id),
	account     INTEGER NOT NULL CHECK (account BETWEEN 1 AND 7),
	delta       INTEGER NOT NULL CHECK (delta <> 0),
	PRIMARY KEY (movement_id, account)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_entry_new SELECT movement_id, account, delta FROM ledger_entry;
DROP TABLE ledger_entry;
DROP TABLE movement;
ALTER TABLE movement_new RENAME TO movement;
ALTER TABLE ledger_entry_new RENAME TO ledger_entry;
CREATE INDEX movement_action ON movement (action_id) WHERE action_id IS NOT NULL;
CREATE INDEX movement_external ON movement (id) WHERE amount <> 0;

CREATE TABLE account_total_new (
	rail    TEXT NOT NULL,
	mint_id INTEGER NOT NULL, -- 0: a rail without mints
	unit    TEXT NOT NULL,
	account INTEGER NOT NULL,
	total   INTEGER NOT NULL,
	PRIMARY KEY (rail, mint_id, unit, account),
	CHECK ((mint_id > 0) = (rail = 'ecash'))
) STRICT, WITHOUT ROWID;
INSERT INTO account_total_new SELECT rail, mint_id, unit, account, total FROM account_total;
DROP TABLE account_total;
ALTER TABLE account_total_new RENAME TO account_total;

-- Blocks that are connected, one per height; old ones are forgotten.
CREATE TABLE chain_block (
	height INTEGER PRIMARY KEY CHECK (height BETWEEN 0 AND 4294967295),
	hash   BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	prev   BLOB NOT NULL CHECK (length(prev) = 32),
	time_s INTEGER NOT NULL
) STRICT;

-- How far the wallet's own search has come, for each kind of backend.
CREATE TABLE chain_sync (
	backend       INTEGER PRIMARY KEY CHECK (backend BETWEEN 1 AND 2),
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295), -- done up to this block; NULL: nothing yet
	hash          BLOB CHECK (length(hash) = 32),
	history_from  INTEGER NOT NULL CHECK (history_from BETWEEN 0 AND 4294967295),
	scan_next     INTEGER CHECK (scan_next BETWEEN 0 AND 4294967295), -- blocks to be searched again
	scan_to       INTEGER CHECK (scan_to BETWEEN 0 AND 4294967295),
	updated_at_ms INTEGER NOT NULL,
	CHECK ((height IS NULL) = (hash IS NULL)),
	CHECK ((scan_next IS NULL) = (scan_to IS NULL))
) STRICT;

-- What others look for in the chain: an output that may be spent, or a script that may be paid.
CREATE TABLE chain_watch (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	owner         TEXT NOT NULL CHECK (length(owner) BETWEEN 1 AND 63),
	txid          BLOB CHECK (length(txid) = 32),
	vout          INTEGER CHECK (vout BETWEEN 0 AND 4294967295),
	spk           BLOB CHECK (length(spk) BETWEEN 1 AND 10000),
	from_height   INTEGER NOT NULL CHECK (from_height BETWEEN 0 AND 4294967295),
	created_at_ms INTEGER NOT NULL,
	CHECK ((txid IS NULL) = (vout IS NULL) AND (txid IS NULL) = (spk IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX chain_watch_output ON chain_watch (txid, vout, owner) WHERE txid IS NOT NULL;
CREATE UNIQUE INDEX chain_watch_script ON chain_watch (spk, owner) WHERE spk IS NOT NULL;
CREATE INDEX chain_watch_owner ON chain_watch (owner);

CREATE TABLE chain_hit (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	watch_id      INTEGER NOT NULL REFERENCES chain_watch (id),
	txid          BLOB NOT NULL CHECK (length(txid) = 32),
	n             INTEGER NOT NULL CHECK (n >= 0), -- the input that spends it, or the output that pays it
	raw           BLOB NOT NULL,
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295), -- NULL: in no block
	hash          BLOB CHECK (length(hash) = 32),
	first_seen_ms INTEGER NOT NULL,
	UNIQUE (watch_id, txid, n),
	CHECK ((height IS NULL) = (hash IS NULL))
) STRICT;
CREATE INDEX chain_hit_block ON chain_hit (height) WHERE height IS NOT NULL;
CREATE INDEX chain_hit_unconfirmed ON chain_hit (txid) WHERE height IS NULL;

-- The wallet: m/86'/coin'/0', from which its scripts are derived, also while the seed is locked.
CREATE TABLE onchain_wallet (
	id         INTEGER PRIMARY KEY CHECK (id = 1),
	xpub       TEXT NOT NULL CHECK (length(xpub) BETWEEN 1 AND 111),
	birthday_s INTEGER NOT NULL CHECK (birthday_s >= 0) -- nothing of it is older; 0: not known
) STRICT;

CREATE TABLE onchain_script (
	id             INTEGER PRIMARY KEY AUTOINCREMENT,
	spk            BLOB NOT NULL UNIQUE CHECK (length(spk) BETWEEN 1 AND 42),
	chain          INTEGER NOT NULL CHECK (chain BETWEEN 0 AND 1),
	idx            INTEGER NOT NULL CHECK (idx BETWEEN 0 AND 2147483647),
	given          INTEGER NOT NULL CHECK (given IN (0, 1)), -- somebody may know it
	used           INTEGER NOT NULL CHECK (used IN (0, 1)),  -- an output pays it
	holder         TEXT, -- whose change it will be, while nothing pays it
	label          TEXT CHECK (length(label) <= 64),
	given_at_ms    INTEGER,
	seen_confirmed INTEGER NOT NULL CHECK (seen_confirmed >= 0), -- transactions, as an indexing backend counted them
	seen_mempool   INTEGER NOT NULL CHECK (seen_mempool >= 0),
	UNIQUE (chain, idx)
) STRICT;
CREATE INDEX onchain_script_known ON onchain_script (chain, idx) WHERE given = 1 OR used = 1 OR holder IS NOT NULL;
CREATE INDEX onchain_script_free ON onchain_script (chain, idx) WHERE given = 0 AND used = 0 AND holder IS NULL;
CREATE INDEX onchain_script_holder ON onchain_script (holder) WHERE holder IS NOT NULL;

-- Transactions that pay or spend the wallet's outputs.
CREATE TABLE onchain_tx (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	txid          BLOB NOT NULL UNIQUE CHECK (length(txid) = 32),
	raw           BLOB NOT NULL,
	place         INTEGER NOT NULL CHECK (place BETWEEN 1 AND 4),
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295),
	hash          BLOB CHECK (length(hash) = 32),
	pos           INTEGER CHECK (pos >= 0),
	coinbase      INTEGER NOT NULL CHECK (coinbase IN (0, 1)),
	value_out     INTEGER NOT NULL CHECK (value_out >= 0), -- of all its outputs
	kind          TEXT NOT NULL,
	own           INTEGER NOT NULL CHECK (own IN (0, 1)),
	trust         INTEGER NOT NULL CHECK (trust BETWEEN 0 AND 2),   -- as its maker said
	trusted       INTEGER NOT NULL CHECK (trusted BETWEEN 0 AND 2), -- as far as what it spends can be trusted too
	fee           INTEGER CHECK (fee >= 0), -- NULL: not known
	booked        INTEGER NOT NULL CHECK (booked >= 0), -- of the fee, what the ledger has
	action_id     TEXT,
	label         TEXT CHECK (length(label) <= 64),
	replaced_by   BLOB CHECK (length(replaced_by) = 32),
	first_seen_ms INTEGER NOT NULL,
	last_seen_ms  INTEGER, -- in a mempool or a block; NULL: never
	CHECK ((place = 3) = (height IS NOT NULL) AND (place = 3) = (hash IS NOT NULL) AND (place = 3) = (pos IS NOT NULL)),
	CHECK (replaced_by IS NULL OR place = 4)
) STRICT;
CREATE INDEX onchain_tx_block ON onchain_tx (height, pos) WHERE height IS NOT NULL;
CREATE INDEX onchain_tx_open ON onchain_tx (place, id) WHERE place IN (1, 2);
CREATE INDEX onchain_tx_action ON onchain_tx (action_id, id) WHERE action_id IS NOT NULL;

CREATE TABLE onchain_input (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	tx_id     INTEGER NOT NULL REFERENCES onchain_tx (id),
	n         INTEGER NOT NULL CHECK (n >= 0),
	prev_txid BLOB NOT NULL CHECK (length(prev_txid) = 32),
	prev_vout INTEGER NOT NULL CHECK (prev_vout BETWEEN 0 AND 4294967295),
	UNIQUE (tx_id, n)
) STRICT;
CREATE INDEX onchain_input_spends ON onchain_input (prev_txid, prev_vout, tx_id);

CREATE TABLE onchain_coin (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	tx_id     INTEGER NOT NULL REFERENCES onchain_tx (id),
	vout      INTEGER NOT NULL CHECK (vout BETWEEN 0 AND 4294967295),
	value     INTEGER NOT NULL CHECK (value BETWEEN 0 AND 2100000000000000),
	script_id INTEGER NOT NULL REFERENCES onchain_script (id),
	state     INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),
	holder    TEXT,
	spent_by  INTEGER REFERENCES onchain_tx (id),
	UNIQUE (tx_id, vout),
	CHECK ((state = 5) = (spent_by IS NOT NULL)),
	CHECK (state <> 2 OR holder IS NOT NULL)
) STRICT;
CREATE INDEX onchain_coin_unspent ON onchain_coin (state, value) WHERE state NOT IN (5, 6);
CREATE INDEX onchain_coin_open ON onchain_coin (id) WHERE state NOT IN (5, 6);
CREATE INDEX onchain_coin_holder ON onchain_coin (holder) WHERE holder IS NOT NULL;
CREATE INDEX onchain_coin_script ON onchain_coin (script_id);
CREATE INDEX onchain_coin_spender ON onchain_coin (spent_by) WHERE spent_by IS NOT NULL;
