-- Paying Lightning invoices with ecash (NUT-05), and the search for signatures that a mint may owe us.

-- One row for each quote that a payment was begun with.  Paid ones stay for ever: no invoice is paid twice.
CREATE TABLE melt_quote (
	mint_id       INTEGER NOT NULL REFERENCES mint (id),
	id            TEXT NOT NULL,
	unit          TEXT NOT NULL,
	amount        INTEGER NOT NULL,
	fee_reserve   INTEGER NOT NULL,
	request       TEXT NOT NULL,
	payment_hash  BLOB NOT NULL CHECK (length(payment_hash) = 32),
	state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5),
	expiry_s      INTEGER NOT NULL,
	preimage      TEXT,
	fee_paid      INTEGER NOT NULL,
	action_id     TEXT NOT NULL,     -- who made it
	holder        TEXT,              -- the same, for as long as the payment is open
	created_at_ms INTEGER NOT NULL,
	updated_at_ms INTEGER NOT NULL,
	PRIMARY KEY (mint_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX melt_quote_holder ON melt_quote (holder) WHERE holder IS NOT NULL;
-- At most one open payment, and at most one success, for each invoice, whatever the mint.
CREATE UNIQUE INDEX melt_quote_open ON melt_quote (payment_hash) WHERE holder IS NOT NULL;
CREATE UNIQUE INDEX melt_quote_paid ON melt_quote (payment_hash) WHERE state = 2;

-- When to ask the mint next whether it has signed an output that was given up; null: not again.
ALTER TABLE output ADD COLUMN sweep_at_ms INTEGER;
CREATE INDEX output_sweep ON output (mint_id, sweep_at_ms) WHERE sweep_at_ms IS NOT NULL;
