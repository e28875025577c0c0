-- The ground floor: the wallet, actions, the event log, the ledger, RPC records, derived-key counters, Cashu.
-- Times are Unix milliseconds (_ms) or seconds (_s); amounts are integers in the unit's minor unit.
-- Stored enumerations are pinned by _Static_assert beside the C enumerations.

CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE wallet (
	id            INTEGER PRIMARY KEY CHECK (id = 1),
	sealed        BLOB NOT NULL,
	encrypted     INTEGER NOT NULL CHECK (encrypted IN (0, 1)),
	fingerprint   TEXT NOT NULL,
	restored      INTEGER NOT NULL CHECK (restored IN (0, 1)),
	created_at_ms INTEGER NOT NULL
) STRICT;

-- Actions.  seq is never reused: the archive and the transitions keep it.
CREATE TABLE action (
	seq           INTEGER PRIMARY KEY AUTOINCREMENT,
	id            TEXT NOT NULL UNIQUE,
	kind          TEXT NOT NULL,
	state         INTEGER NOT NULL,
	status        INTEGER NOT NULL CHECK (status BETWEEN 1 AND 3),
	version       INTEGER NOT NULL,
	parent_id     TEXT,
	peer          TEXT,
	params        TEXT NOT NULL,
	checkpoint    TEXT NOT NULL,
	attempts      INTEGER NOT NULL,
	error_kind    TEXT,
	error_msg     TEXT,
	error_field   TEXT,
	wake_at_ms    INTEGER,
	created_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX action_due ON action (kind, peer, wake_at_ms) WHERE wake_at_ms IS NOT NULL;
CREATE INDEX action_wake ON action (wake_at_ms) WHERE wake_at_ms IS NOT NULL;
CREATE INDEX action_kind ON action (kind);
CREATE INDEX action_parent ON action (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX action_trouble ON action (attempts) WHERE attempts > 0;

CREATE TABLE action_archive (
	seq           INTEGER PRIMARY KEY,
	id            TEXT NOT NULL UNIQUE,
	kind          TEXT NOT NULL,
	state         INTEGER NOT NULL,
	status        INTEGER NOT NULL CHECK (status BETWEEN 4 AND 6),
	version       INTEGER NOT NULL,
	parent_id     TEXT,
	peer          TEXT,
	params        TEXT NOT NULL,
	result        TEXT,
	attempts      INTEGER NOT NULL,
	error_kind    TEXT,
	error_msg     TEXT,
	error_field   TEXT,
	funds_moved   TEXT,
	created_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX action_archive_kind ON action_archive (kind);
CREATE INDEX action_archive_ended ON action_archive (updated_at_ms);
CREATE INDEX action_archive_status ON action_archive (status, seq);

CREATE TABLE action_transition (
	action_seq INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	at_ms      INTEGER NOT NULL,
	state      INTEGER NOT NULL,
	status     INTEGER NOT NULL,
	note       TEXT,
	PRIMARY KEY (action_seq, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
	seq     INTEGER PRIMARY KEY,
	at_ms   INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,
	data    TEXT NOT NULL
) STRICT;

-- Cashu mints and keysets.  The keys of a keyset id are the same for ever; several mints may list them: one mint has many
-- addresses, and anybody can copy what a mint publishes.
CREATE TABLE mint (
	id               INTEGER PRIMARY KEY AUTOINCREMENT,
	url              TEXT NOT NULL UNIQUE,
	name             TEXT,
	trusted          INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	dleq             INTEGER NOT NULL CHECK (dleq IN (0, 1)),
	quote_locks      INTEGER NOT NULL CHECK (quote_locks IN (0, 1)),
	quote_legacy     INTEGER NOT NULL CHECK (quote_legacy IN (0, 1)),
	info             TEXT,
	added_at_ms      INTEGER NOT NULL,
	synced_at_ms     INTEGER NOT NULL,
	trouble          TEXT,
	trouble_since_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE keyset (
	mint_id        INTEGER NOT NULL REFERENCES mint (id),
	id             TEXT NOT NULL,
	unit           TEXT NOT NULL,
	active         INTEGER NOT NULL CHECK (active IN (0, 1)),
	input_fee_ppk  INTEGER NOT NULL,
	final_expiry_s INTEGER NOT NULL,
	kid_int        INTEGER,          -- NUT-13 of v1 ids; two ids must never have the same
	keys           BLOB NOT NULL,    -- per key: amount (8 bytes, big endian), point (33 bytes); ascending
	PRIMARY KEY (mint_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX keyset_id ON keyset (id);
CREATE INDEX keyset_kid_int ON keyset (kid_int) WHERE kid_int IS NOT NULL;

-- The ledger.
CREATE TABLE movement (
	id        INTEGER PRIMARY KEY,
	at_ms     INTEGER NOT NULL,
	action_id TEXT,
	rail      TEXT NOT NULL,
	kind      TEXT NOT NULL,
	mint_id   INTEGER NOT NULL REFERENCES mint (id),
	unit      TEXT NOT NULL,
	note      TEXT,
	amount    INTEGER NOT NULL, -- net effect on what is ours
	fee       INTEGER NOT NULL,
	balance   INTEGER NOT NULL  -- what is ours in this unit afterwards
) STRICT;
CREATE INDEX movement_action ON movement (action_id) WHERE action_id IS NOT NULL;
CREATE INDEX movement_external ON movement (id) WHERE amount <> 0;

CREATE TABLE ledger_entry (
	movement_id INTEGER NOT NULL REFERENCES movement (id),
	account     INTEGER NOT NULL CHECK (account BETWEEN 1 AND 7),
	delta       INTEGER NOT NULL CHECK (delta <> 0),
	PRIMARY KEY (movement_id, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_total (
	rail    TEXT NOT NULL,
	mint_id INTEGER NOT NULL REFERENCES mint (id),
	unit    TEXT NOT NULL,
	account INTEGER NOT NULL,
	total   INTEGER NOT NULL,
	PRIMARY KEY (rail, mint_id, unit, account)
) STRICT, WITHOUT ROWID;

-- RPC: the first answer to each idempotency key, and named keys.
CREATE TABLE rpc_call (
	credential  TEXT NOT NULL,
	key         TEXT NOT NULL,
	method      TEXT NOT NULL,
	params_hash BLOB NOT NULL CHECK (length(params_hash) = 32),
	response    TEXT NOT NULL,
	action_id   TEXT,
	at_ms       INTEGER NOT NULL,
	PRIMARY KEY (credential, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE credential (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	name            TEXT NOT NULL UNIQUE,
	scope           INTEGER NOT NULL,
	salt            BLOB NOT NULL CHECK (length(salt) = 16),
	hash            BLOB NOT NULL CHECK (length(hash) = 32),
	budget_hour_sat INTEGER NOT NULL,
	budget_day_sat  INTEGER NOT NULL,
	created_at_ms   INTEGER NOT NULL,
	revoked_at_ms   INTEGER NOT NULL,
	last_used_ms    INTEGER NOT NULL
) STRICT;

CREATE TABLE credential_spend (
	id            INTEGER PRIMARY KEY,
	credential_id INTEGER NOT NULL REFERENCES credential (id),
	at_ms         INTEGER NOT NULL,
	action_id     TEXT NOT NULL,
	sat           INTEGER NOT NULL
) STRICT;
CREATE INDEX credential_spend_at ON credential_spend (credential_id, at_ms);
CREATE INDEX credential_spend_action ON credential_spend (action_id);

-- Counters of derived keys: no foreign key, they outlive what they were drawn for.
CREATE TABLE keyset_counter (
	keyset_id TEXT PRIMARY KEY,
	next      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_index (
	namespace TEXT PRIMARY KEY,
	next      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mint_quote (
	mint_id       INTEGER NOT NULL REFERENCES mint (id),
	id            TEXT NOT NULL,
	unit          TEXT NOT NULL,
	amount        INTEGER NOT NULL,
	request       TEXT NOT NULL,
	state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
	expiry_s      INTEGER NOT NULL,
	key_index     INTEGER NOT NULL, -- of the NUT-20 key, -1 none
	holder        TEXT,
	created_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL,
	PRIMARY KEY (mint_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mint_quote_holder ON mint_quote (holder) WHERE holder IS NOT NULL;

-- Proofs: bearer money.  y = hash_to_curve(secret).
CREATE TABLE proof (
	y             BLOB PRIMARY KEY CHECK (length(y) = 33),
	mint_id       INTEGER NOT NULL REFERENCES mint (id),
	keyset_id     TEXT NOT NULL,
	unit          TEXT NOT NULL,
	amount        INTEGER NOT NULL CHECK (amount > 0),
	secret        TEXT NOT NULL,
	c             BLOB NOT NULL CHECK (length(c) = 33),
	witness       TEXT,
	dleq_e        BLOB,
	dleq_s        BLOB,
	dleq_r        BLOB,
	state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),
	holder        TEXT,
	created_by    TEXT,
	counter       INTEGER NOT NULL,
	created_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL,
	CHECK ((state IN (2, 3, 4)) = (holder IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX proof_spendable ON proof (mint_id, unit, keyset_id, amount) WHERE state = 1;
CREATE INDEX proof_holder ON proof (holder, state) WHERE holder IS NOT NULL;
CREATE INDEX proof_unspent ON proof (mint_id, unit, state, amount) WHERE state <> 5;

-- Outputs as drawn and stored before they were sent; never deleted, and a B_ is never drawn twice.
CREATE TABLE output (
	action_id     TEXT NOT NULL,
	idx           INTEGER NOT NULL,
	b             BLOB NOT NULL UNIQUE CHECK (length(b) = 33),
	mint_id       INTEGER NOT NULL REFERENCES mint (id),
	keyset_id     TEXT NOT NULL,
	amount        INTEGER NOT NULL,
	secret        TEXT NOT NULL,
	r             BLOB NOT NULL CHECK (length(r) = 32),
	purpose       INTEGER NOT NULL CHECK (purpose BETWEEN 1 AND 2),
	counter       INTEGER NOT NULL,
	status        INTEGER NOT NULL CHECK (status BETWEEN 1 AND 3),
	created_at_ms INTEGER NOT NULL,
	PRIMARY KEY (action_id, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX output_status ON output (status, created_at_ms) WHERE status <> 2;
CREATE UNIQUE INDEX output_counter ON output (keyset_id, counter) WHERE counter >= 0;
