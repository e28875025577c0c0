-- Splices of the Lightning node's channels, and the payments that their transactions are (spec/splice.md 2).  What a splice
-- is doing and when it goes on is its action's row; here is what outlives a step, and what outlives the action.

-- Each channel as the node told of it last.  For showing, and for accepting a splice while the node is away: decisions are
-- made on what it says when it is asked.
CREATE TABLE channel (
	id            BLOB PRIMARY KEY CHECK (length(id) = 32),
	alt_ref       TEXT CHECK (length(alt_ref) BETWEEN 1 AND 64), -- another name that the node wants to hear
	peer          BLOB NOT NULL CHECK (length(peer) = 33),
	short_id      TEXT CHECK (length(short_id) <= 64),
	state         TEXT NOT NULL CHECK (length(state) <= 64), -- in the node's words
	phase         INTEGER NOT NULL CHECK (phase BETWEEN 1 AND 4),
	usable        INTEGER NOT NULL CHECK (usable IN (0, 1)),
	base_txid     BLOB NOT NULL CHECK (length(base_txid) = 32), -- its funding output
	base_vout     INTEGER NOT NULL CHECK (base_vout BETWEEN 0 AND 4294967295),
	capacity      INTEGER NOT NULL CHECK (capacity >= 0),
	local_msat    INTEGER NOT NULL CHECK (local_msat >= 0),
	reserve       INTEGER NOT NULL CHECK (reserve >= 0),
	seen_at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Splices that live: of a channel at most one.  Its id is random, and stays through all its fee bumps.
CREATE TABLE splice_intent (
	id               BLOB PRIMARY KEY CHECK (length(id) = 32),
	action_id        TEXT NOT NULL UNIQUE,
	bump_action_id   TEXT UNIQUE, -- who works on a further candidate
	version          INTEGER NOT NULL,
	channel_id       BLOB NOT NULL CHECK (length(channel_id) = 32),
	alt_ref          TEXT CHECK (length(alt_ref) BETWEEN 1 AND 64),
	peer             BLOB NOT NULL CHECK (length(peer) = 33),
	base_txid        BLOB NOT NULL CHECK (length(base_txid) = 32), -- submitted only while this is the channel's funding
	base_vout        INTEGER NOT NULL CHECK (base_vout BETWEEN 0 AND 4294967295),
	base_capacity    INTEGER NOT NULL CHECK (base_capacity >= 0),
	base_local_msat  INTEGER NOT NULL CHECK (base_local_msat >= 0),
	kind             INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 2),
	active           INTEGER NOT NULL CHECK (active BETWEEN 0 AND 3), -- what is being negotiated
	bump_of_round    INTEGER CHECK (bump_of_round >= 1),
	amount           INTEGER CHECK (amount BETWEEN 1 AND 2100000000000000), -- NULL: all there is, not known yet
	everything       INTEGER NOT NULL CHECK (everything IN (0, 1)),
	feerate          INTEGER CHECK (feerate BETWEEN 1 AND 1000000000), -- asked for, or that of the round; NULL: estimated
	max_feerate      INTEGER NOT NULL CHECK (max_feerate BETWEEN 1 AND 1000000000),
	max_fee          INTEGER CHECK (max_fee BETWEEN 0 AND 2100000000000000),
	contribution     BLOB, -- what the backend made for the round; opaque
	attempts         INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),
	disconnects      INTEGER NOT NULL CHECK (disconnects BETWEEN 0 AND 4294967295),
	max_attempts     INTEGER NOT NULL CHECK (max_attempts BETWEEN 1 AND 4294967295),
	max_disconnects  INTEGER NOT NULL CHECK (max_disconnects BETWEEN 1 AND 4294967295),
	deadline_ms      INTEGER, -- to be signed by then
	wait             INTEGER NOT NULL CHECK (wait BETWEEN 0 AND 9),
	wait_since_ms    INTEGER,
	fail_class       INTEGER NOT NULL CHECK (fail_class BETWEEN 0 AND 11), -- of the last round that failed
	fail_text        TEXT CHECK (length(fail_text) <= 256),
	fail_at_ms       INTEGER,
	cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
	created_at_ms    INTEGER NOT NULL,
	updated_at_ms    INTEGER NOT NULL,
	CHECK (amount IS NOT NULL OR everything = 1),
	CHECK ((active = 3) = (bump_of_round IS NOT NULL)),
	CHECK (active IN (0, 3, kind)),
	CHECK (bump_action_id IS NULL OR active = 3),
	CHECK ((wait = 0) = (wait_since_ms IS NULL)),
	CHECK ((fail_class = 0) = (fail_at_ms IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX splice_intent_channel ON splice_intent (channel_id);

-- Where a splice pays out of the channel; resolved once, when it is accepted.
CREATE TABLE splice_output (
	splice_id BLOB NOT NULL CHECK (length(splice_id) = 32),
	idx       INTEGER NOT NULL CHECK (idx BETWEEN 0 AND 15),
	script    BLOB NOT NULL CHECK (length(script) BETWEEN 1 AND 100),
	amount    INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 2100000000000000),
	PRIMARY KEY (splice_id, idx)
) STRICT, WITHOUT ROWID;

-- Outputs of the node's wallet that are reserved for a splice; also of one that has ended, until the node has them back.
CREATE TABLE splice_input (
	splice_id BLOB NOT NULL CHECK (length(splice_id) = 32),
	txid      BLOB NOT NULL CHECK (length(txid) = 32),
	vout      INTEGER NOT NULL CHECK (vout BETWEEN 0 AND 4294967295),
	amount    INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 2100000000000000),
	released  INTEGER NOT NULL CHECK (released IN (0, 1)),
	PRIMARY KEY (splice_id, txid, vout)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX splice_input_held ON splice_input (txid, vout) WHERE released = 0;
CREATE INDEX splice_input_owed ON splice_input (splice_id) WHERE released = 0;

-- Splices that have ended; pruned never, unlike actions.
CREATE TABLE splice_history (
	id           BLOB PRIMARY KEY CHECK (length(id) = 32),
	action_id    TEXT NOT NULL,
	channel_id   BLOB NOT NULL CHECK (length(channel_id) = 32),
	peer         BLOB NOT NULL CHECK (length(peer) = 33),
	kind         INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 2),
	amount       INTEGER CHECK (amount BETWEEN 1 AND 2100000000000000),
	outcome      INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 3),
	final_txid   BLOB CHECK (length(final_txid) = 32),
	fail_class   INTEGER NOT NULL CHECK (fail_class BETWEEN 0 AND 11),
	fail_text    TEXT CHECK (length(fail_text) <= 256),
	created_at_ms INTEGER NOT NULL,
	closed_at_ms INTEGER NOT NULL,
	CHECK ((outcome = 1) = (final_txid IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX splice_history_channel ON splice_history (channel_id, closed_at_ms);
CREATE INDEX splice_history_closed ON splice_history (closed_at_ms, id);

-- Funding payments.  Without an intent of the same id: the splice has ended, or was the peer's.
CREATE TABLE funding_payment (
	id            BLOB PRIMARY KEY CHECK (length(id) = 32),
	type          INTEGER NOT NULL CHECK (type BETWEEN 0 AND 2),
	direction     INTEGER NOT NULL CHECK (direction BETWEEN 1 AND 2),
	status        INTEGER NOT NULL CHECK (status BETWEEN 1 AND 3),
	txid          BLOB NOT NULL CHECK (length(txid) = 32),
	height        INTEGER CHECK (height BETWEEN 0 AND 4294967295), -- written by what the chain says, and nothing else
	hash          BLOB CHECK (length(hash) = 32),
	amount        INTEGER CHECK (amount BETWEEN 0 AND 2100000000000000),
	fee           INTEGER CHECK (fee BETWEEN 0 AND 2100000000000000),
	channel_id    BLOB NOT NULL CHECK (length(channel_id) = 32),
	peer          BLOB NOT NULL CHECK (length(peer) = 33),
	created_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL,
	CHECK ((height IS NULL) = (hash IS NULL)),
	CHECK (status <> 2 OR height IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX funding_payment_txid ON funding_payment (txid);
CREATE INDEX funding_payment_pending ON funding_payment (id) WHERE status = 1;
CREATE INDEX funding_payment_channel ON funding_payment (channel_id);

-- Every transaction that a payment was or may become; never deleted, so that each of them finds it for ever.
CREATE TABLE funding_candidate (
	payment_id    BLOB NOT NULL CHECK (length(payment_id) = 32),
	txid          BLOB NOT NULL CHECK (length(txid) = 32),
	vout          INTEGER NOT NULL CHECK (vout BETWEEN 0 AND 4294967295),
	round         INTEGER NOT NULL CHECK (round BETWEEN 1 AND 4294967295),
	origin        INTEGER NOT NULL CHECK (origin BETWEEN 1 AND 3),
	state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),
	amount        INTEGER CHECK (amount BETWEEN 0 AND 2100000000000000),
	fee           INTEGER CHECK (fee BETWEEN 0 AND 2100000000000000),
	feerate       INTEGER CHECK (feerate BETWEEN 1 AND 1000000000),
	raw           BLOB,
	first_seen_ms INTEGER NOT NULL,
	PRIMARY KEY (payment_id, txid)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX funding_candidate_txid ON funding_candidate (txid);

-- Transactions that exclude a payment's and are none of its candidates (a close, say).
CREATE TABLE funding_conflict (
	payment_id BLOB NOT NULL CHECK (length(payment_id) = 32),
	txid       BLOB NOT NULL CHECK (length(txid) = 32),
	PRIMARY KEY (payment_id, txid)
) STRICT, WITHOUT ROWID;
CREATE INDEX funding_conflict_txid ON funding_conflict (txid);
