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
	kind              TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
	action_key        TEXT NOT NULL CHECK (length(action_key) BETWEEN 1 AND 64),
	space_id          INTEGER NOT NULL REFERENCES outbox_nonce_space (space_id),
	account           BLOB NOT NULL CHECK (length(account) = 20),
	signer            BLOB NOT NULL CHECK (length(signer) = 20),
	nonce             INTEGER NOT NULL CHECK (nonce >= 0),
	nonce_generation  INTEGER NOT NULL CHECK (nonce_generation >= 0),
	payload           BLOB NOT NULL CHECK (length(payload) <= 16384),
	content_hash      BLOB NOT NULL CHECK (length(content_hash) = 32),
	expires_at_ms     INTEGER,          -- informational: it never ends an accepted directive
	order_key         BLOB CHECK (length(order_key) BETWEEN 1 AND 48), -- NULL: unordered
	lane              INTEGER NOT NULL CHECK (lane >= 0),
	appended_block    INTEGER NOT NULL CHECK (appended_block >= 0),
	delivery_status   INTEGER NOT NULL CHECK (delivery_status BETWEEN 0 AND 8),
	holds_order       INTEGER NOT NULL CHECK (holds_order IN (0, 1)),
	blocked           INTEGER NOT NULL CHECK (blocked IN (0, 1)),
	attempts          INTEGER NOT NULL CHECK (attempts >= 0),
	reverted_dry_runs INTEGER NOT NULL CHECK (reverted_dry_runs >= 0),
	wake_at_ms        INTEGER,          -- pending 0, retry when due, claimed when the claim ends
	recheck_at_ms     INTEGER,
	version           INTEGER NOT NULL,
	reason_class      TEXT CHECK (length(reason_class) <= 64),
	last_error        TEXT CHECK (length(last_error) <= 500),
	tx_id             INTEGER REFERENCES outbox_tx (tx_id),
	result_tx_hash    BLOB CHECK (length(result_tx_hash) = 32),
	result_block      INTEGER CHECK (result_block >= 0),
	created_at_ms     INTEGER NOT NULL,
	updated_at_ms     INTEGER NOT NULL,
	finished_at_ms    INTEGER,
	CHECK ((wake_at_ms IS NOT NULL) = (delivery_status IN (0, 1, 5))),
	CHECK (delivery_status <> 0 OR wake_at_ms = 0),
	CHECK (delivery_status <> 5 OR wake_at_ms > 0),
	CHECK (delivery_status <> 2 OR tx_id IS NOT NULL),
	CHECK (delivery_status <> 3 OR result_tx_hash IS NOT NULL),
	CHECK ((result_tx_hash IS NULL) = (result_block IS NULL)),
	CHECK (holds_order = 0 OR order_key IS NOT NULL),
	CHECK (blocked = 0 OR holds_order = 1),
	CHECK (recheck_at_ms IS NULL OR delivery_status = 8)
) STRICT;
CREATE UNIQUE INDEX directive_nonce ON directive_outbox (space_id, nonce);
CREATE INDEX directive_ready ON directive_outbox (space_id, lane, wake_at_ms, outbox_seq)
	WHERE delivery_status IN (0, 5) AND blocked = 0;
CREATE INDEX directive_claimed ON directive_outbox (wake_at_ms) WHERE delivery_status = 1;
CREATE INDEX directive_retry ON directive_outbox (wake_at_ms) WHERE delivery_status = 5;
CREATE INDEX directive_order ON directive_outbox (order_key, outbox_seq) WHERE holds_order = 1;
CREATE INDEX directive_status ON directive_outbox (delivery_status, outbox_seq);
CREATE INDEX directive_account ON directive_outbox (account, outbox_seq);
CREATE INDEX directive_recheck ON directive_outbox (recheck_at_ms) WHERE recheck_at_ms IS NOT NULL;
CREATE INDEX directive_elsewhere ON directive_outbox (outbox_seq) WHERE delivery_status = 3 AND tx_id IS NULL;
CREATE INDEX directive_watched ON directive_outbox (space_id, result_block)
	WHERE delivery_status = 4 AND tx_id IS NULL AND result_block IS NOT NULL;

-- Rows per status, kept by every change of one.
CREATE TABLE outbox_tally (
	space_id        INTEGER NOT NULL REFERENCES outbox_nonce_space (space_id),
	delivery_status INTEGER NOT NULL CHECK (delivery_status BETWEEN 0 AND 8),
	n               INTEGER NOT NULL CHECK (n >= 0),
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
	generation    INTEGER NOT NULL CHECK (generation >= 0),
	nonce         INTEGER NOT NULL CHECK (nonce >= 0),
	digest        BLOB CHECK (length(digest) = 32),
	retired_at_ms INTEGER NOT NULL,
	evidence      TEXT NOT NULL,
	operator      TEXT NOT NULL,
	PRIMARY KEY (outbox_seq, generation)
) STRICT, WITHOUT ROWID;

-- One digest per nonce, for ever.
CREATE TABLE directive_signature (
	space_id     INTEGER NOT NULL REFERENCES outbox_nonce_space (space_id),
	nonce        INTEGER NOT NULL CHECK (nonce >= 0),
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

-- A slot: one account nonce of a lane.  Prices fit 62 bits, so that twice one still fits an integer.
CREATE TABLE outbox_tx (
	tx_id            INTEGER PRIMARY KEY,
	lane             INTEGER NOT NULL REFERENCES outbox_lane (lane),
	tx_nonce         INTEGER NOT NULL CHECK (tx_nonce >= 0),
	purpose          INTEGER NOT NULL CHECK (purpose BETWEEN 0 AND 2),
	state            INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
	version          INTEGER NOT NULL,
	fill             INTEGER NOT NULL CHECK (fill >= 0),
	mined_hash       BLOB CHECK (length(mined_hash) = 32),
	mined_block      INTEGER CHECK (mined_block >= 0),
	mined_block_hash BLOB CHECK (length(mined_block_hash) = 32),
	mined_ok         INTEGER CHECK (mined_ok IN (0, 1)),
	gas_used         INTEGER CHECK (gas_used >= 0),
	gas_price        INTEGER CHECK (gas_price BETWEEN 0 AND 4611686018427387904),
	cost_gwei        INTEGER NOT NULL CHECK (cost_gwei >= 0),
	watch_until      INTEGER NOT NULL CHECK (watch_until >= 0),
	next_check_at_ms INTEGER,
	opened_at_ms     INTEGER NOT NULL,
	UNIQUE (lane, tx_nonce),
	CHECK (state NOT IN (2, 3, 4) OR mined_hash IS NOT NULL),
	CHECK ((mined_hash IS NULL) = (mined_block IS NULL) AND (mined_hash IS NULL) = (mined_block_hash IS NULL)
	       AND (mined_hash IS NULL) = (mined_ok IS NULL) AND (mined_hash IS NULL) = (gas_used IS NULL)
	       AND (mined_hash IS NULL) = (gas_price IS NULL))
) STRICT;
CREATE INDEX outbox_tx_open ON outbox_tx (lane, tx_nonce, state) WHERE state IN (0, 1, 2, 5);
CREATE INDEX outbox_tx_watched ON outbox_tx (lane, next_check_at_ms)
	WHERE state IN (3, 4, 6) AND next_check_at_ms IS NOT NULL;
CREATE INDEX outbox_tx_cost ON outbox_tx (lane, opened_at_ms, cost_gwei);

-- Every raw transaction ever signed, before its first byte left.
CREATE TABLE outbox_tx_attempt (
	signed_seq       INTEGER PRIMARY KEY, -- order of signing, whatever the clock said
	tx_hash          BLOB NOT NULL UNIQUE CHECK (length(tx_hash) = 32),
	tx_id            INTEGER NOT NULL REFERENCES outbox_tx (tx_id),
	fill             INTEGER NOT NULL CHECK (fill >= 0),
	attempt          INTEGER NOT NULL CHECK (attempt >= 0),
	raw              BLOB NOT NULL,
	max_fee          INTEGER NOT NULL CHECK (max_fee BETWEEN 0 AND 4611686018427387904),
	max_priority_fee INTEGER NOT NULL CHECK (max_priority_fee BETWEEN 0 AND 4611686018427387904),
	gas_limit        INTEGER NOT NULL CHECK (gas_limit >= 0),
	first_sent_at_ms INTEGER,
	last_sent_at_ms  INTEGER,
	acknowledged     INTEGER NOT NULL CHECK (acknowledged IN (0, 1)),
	last_reply       TEXT CHECK (length(last_reply) <= 500),
	signed_at_ms     INTEGER NOT NULL,
	UNIQUE (tx_id, fill, attempt),
	CHECK ((first_sent_at_ms IS NULL) = (last_sent_at_ms IS NULL)),
	CHECK (acknowledged = 0 OR first_sent_at_ms IS NOT NULL)
) STRICT;

CREATE TABLE outbox_tx_item (
	tx_id      INTEGER NOT NULL REFERENCES outbox_tx (tx_id),
	fill       INTEGER NOT NULL CHECK (fill >= 0),
	position   INTEGER NOT NULL CHECK (position >= 0),
	outbox_seq INTEGER NOT NULL REFERENCES directive_outbox (outbox_seq),
	outcome    INTEGER CHECK (outcome >= 0),
	PRIMARY KEY (tx_id, fill, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_tx_item_of ON outbox_tx_item (outbox_seq, tx_id, fill);
