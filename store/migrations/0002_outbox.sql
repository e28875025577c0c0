-- The directive outbox (spec/outbox.md 2.4).  Claims are versions and a wake time, as everywhere here; events, audit and
-- idempotency are the daemon's own tables.

CREATE TABLE outbox_nonce_space (
	space_id           INTEGER PRIMARY KEY,
	chain_id           INTEGER NOT NULL CHECK (chain_id > 0),
	verifying_contract BLOB NOT NULL CHECK (length(verifying_contract) = 20),
	signer             BLOB NOT NULL CHECK (length(signer) = 20),
	key_ref            TEXT NOT NULL,
	next_nonce         INTEGER NOT NULL CHECK (next_nonce >= 0),
	ordering           INTEGER NOT NULL CHECK (ordering BETWEEN 0 AND 2),
	release_at         INTEGER NOT NULL CHECK (release_at BETWEEN 2 AND 4),
	halt_on_terminal   INTEGER NOT NULL CHECK (halt_on_terminal IN (0, 1)),
	deploy_block       INTEGER NOT NULL CHECK (deploy_block >= 0),
	pause_reason       TEXT, -- NULL: not paused
	created_at_ms      INTEGER NOT NULL,
	UNIQUE (chain_id, verifying_contract, signer)
) STRICT;

CREATE TABLE directive_outbox (
	outbox_seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	directive_id      TEXT NOT NULL UNIQUE CHECK (length(CAST(directive_id AS BLOB)) BETWEEN 1 AND 128),
	kind              TEXT NOT NULL,
	action_key        TEXT NOT NULL,
	space_id          INTEGER NOT NULL REFERENCES outbox_nonce_space (space_id),
	account           BLOB NOT NULL CHECK (length(account) = 20),
	signer            BLOB NOT NULL CHECK (length(signer) = 20),
	nonce             INTEGER NOT NULL CHECK (nonce >= 0),
	nonce_generation  INTEGER NOT NULL,
	payload           BLOB NOT NULL CHECK (length(payload) <= 16384),
	content_hash      BLOB NOT NULL CHECK (length(content_hash) = 32),
	expires_at_ms     INTEGER,          -- informational: it never ends an accepted directive
	order_key         BLOB,             -- NULL: unordered
	lane              INTEGER NOT NULL,
	appended_block    INTEGER NOT NULL,
	delivery_status   INTEGER NOT NULL CHECK (delivery_status BETWEEN 0 AND 8),
	holds_order       INTEGER NOT NULL CHECK (holds_order IN (0, 1)),
	blocked           INTEGER NOT NULL CHECK (blocked IN (0, 1)),
	attempts          INTEGER NOT NULL,
	reverted_dry_runs INTEGER NOT NULL,
	wake_at_ms        INTEGER,          -- pending 0, retry when due, claimed when the claim ends
	recheck_at_ms     INTEGER,
	version           INTEGER NOT NULL,
	reason_class      TEXT,
	last_error        TEXT,
	tx_id             INTEGER,
	result_tx_hash    BLOB,
	result_block      INTEGER,
	created_at_ms     INTEGER NOT NULL,
	updated_at_ms     INTEGER NOT NULL,
	finished_at_ms    INTEGER,
	CHECK ((wake_at_ms IS NOT NULL) = (delivery_status IN (0, 1, 5))),
	CHECK (delivery_status <> 2 OR tx_id IS NOT NULL),
	CHECK (holds_order = 0 OR order_key IS NOT NULL),
	CHECK (recheck_at_ms IS NULL OR delivery_status = 8)
) STRICT;
CREATE UNIQUE INDEX directive_nonce ON directive_outbox (space_id, nonce);
CREATE INDEX directive_ready ON directive_outbox (space_id, lane, wake_at_ms, outbox_seq)
	WHERE delivery_status IN (0, 5) AND blocked = 0;
CREATE INDEX directive_claimed ON directive_outbox (wake_at_ms) WHERE delivery_status = 1;
CREATE INDEX directive_order ON directive_outbox (order_key, outbox_seq) WHERE holds_order = 1;
CREATE INDEX directive_status ON directive_outbox (delivery_status, outbox_seq) WHERE delivery_status <> 4;
CREATE INDEX directive_account ON directive_outbox (account, outbox_seq);
CREATE INDEX directive_recheck ON directive_outbox (recheck_at_ms) WHERE recheck_at_ms IS NOT NULL;

-- Rows per status, kept by every change of one.
CREATE TABLE outbox_tally (
	space_id        INTEGER NOT NULL,
	delivery_status INTEGER NOT NULL,
	n               INTEGER NOT NULL,
	PRIMARY KEY (space_id, delivery_status)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER directive_added AFTER INSERT ON directive_outbox BEGIN
	INSERT INTO outbox_tally VALUES (new.space_id, new.delivery_status, 1)
		ON CONFLICT (space_id, delivery_status) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER directive_moved AFTER UPDATE OF delivery_status ON directive_outbox
	WHEN new.delivery_status <> old.delivery_status BEGIN
	UPDATE outbox_tally SET n = n - 1 WHERE space_id = old.space_id AND delivery_status = old.delivery_status;
	INSERT INTO outbox_tally VALUES (new.space_id, new.delivery_status, 1)
		ON CONFLICT (space_id, delivery_status) DO UPDATE SET n = n + 1;
END;

-- Nonces that a directive had before; they are never used again.
CREATE TABLE directive_nonce_history (
	outbox_seq    INTEGER NOT NULL REFERENCES directive_outbox (outbox_seq),
	generation    INTEGER NOT NULL,
	nonce         INTEGER NOT NULL,
	digest        BLOB,
	retired_at_ms INTEGER NOT NULL,
	evidence      TEXT NOT NULL,
	operator      TEXT NOT NULL,
	PRIMARY KEY (outbox_seq, generation)
) STRICT, WITHOUT ROWID;

-- One digest per nonce, for ever.
CREATE TABLE directive_signature (
	space_id     INTEGER NOT NULL REFERENCES outbox_nonce_space (space_id),
	nonce        INTEGER NOT NULL,
	outbox_seq   INTEGER NOT NULL,
	digest       BLOB NOT NULL CHECK (length(digest) = 32),
	signature    BLOB NOT NULL CHECK (length(signature) = 65),
	signed_at_ms INTEGER NOT NULL,
	PRIMARY KEY (space_id, nonce)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox_lane (
	lane          INTEGER PRIMARY KEY,
	chain_id      INTEGER NOT NULL CHECK (chain_id > 0),
	relayer       BLOB NOT NULL CHECK (length(relayer) = 20),
	key_ref       TEXT NOT NULL,
	next_tx_nonce INTEGER NOT NULL CHECK (next_tx_nonce >= 0),
	synced        INTEGER NOT NULL CHECK (synced IN (0, 1)),
	active        INTEGER NOT NULL CHECK (active IN (0, 1)),
	pause_reason  TEXT, -- NULL: not paused
	anomaly_at_ms INTEGER NOT NULL,
	created_at_ms INTEGER NOT NULL,
	UNIQUE (chain_id, relayer)
) STRICT;

-- A slot: one account nonce of a lane.
CREATE TABLE outbox_tx (
	tx_id            INTEGER PRIMARY KEY,
	lane             INTEGER NOT NULL REFERENCES outbox_lane (lane),
	tx_nonce         INTEGER NOT NULL CHECK (tx_nonce >= 0),
	purpose          INTEGER NOT NULL CHECK (purpose BETWEEN 0 AND 2),
	state            INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
	version          INTEGER NOT NULL,
	fill             INTEGER NOT NULL,
	mined_hash       BLOB,
	mined_block      INTEGER,
	mined_block_hash BLOB,
	mined_ok         INTEGER,
	gas_used         INTEGER,
	gas_price        INTEGER,
	cost_gwei        INTEGER NOT NULL,
	watch_until      INTEGER NOT NULL,
	next_check_at_ms INTEGER,
	opened_at_ms     INTEGER NOT NULL,
	UNIQUE (lane, tx_nonce)
) STRICT;
CREATE INDEX outbox_tx_open ON outbox_tx (lane, tx_nonce) WHERE state IN (0, 1, 2, 5);
CREATE INDEX outbox_tx_watched ON outbox_tx (lane, watch_until) WHERE state IN (3, 4) AND next_check_at_ms IS NOT NULL;
CREATE INDEX outbox_tx_opened ON outbox_tx (lane, opened_at_ms);

-- Every raw transaction ever signed, before its first byte left.
CREATE TABLE outbox_tx_attempt (
	tx_hash          BLOB PRIMARY KEY CHECK (length(tx_hash) = 32),
	tx_id            INTEGER NOT NULL REFERENCES outbox_tx (tx_id),
	fill             INTEGER NOT NULL,
	attempt          INTEGER NOT NULL,
	raw              BLOB NOT NULL,
	max_fee          INTEGER NOT NULL,
	max_priority_fee INTEGER NOT NULL,
	gas_limit        INTEGER NOT NULL,
	first_sent_at_ms INTEGER,
	last_sent_at_ms  INTEGER,
	acknowledged     INTEGER NOT NULL CHECK (acknowledged IN (0, 1)),
	last_reply       TEXT,
	signed_at_ms     INTEGER NOT NULL,
	UNIQUE (tx_id, fill, attempt)
) STRICT;

CREATE TABLE outbox_tx_item (
	tx_id      INTEGER NOT NULL REFERENCES outbox_tx (tx_id),
	fill       INTEGER NOT NULL,
	position   INTEGER NOT NULL,
	outbox_seq INTEGER NOT NULL REFERENCES directive_outbox (outbox_seq),
	outcome    INTEGER,
	PRIMARY KEY (tx_id, fill, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_tx_item_of ON outbox_tx_item (outbox_seq);
