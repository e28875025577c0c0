-- How much may be at a mint, as the operator said it while walletd ran (mint.set): it takes the place of what the
-- configuration says of this mint and unit.
CREATE TABLE mint_limit (
	mint_id INTEGER NOT NULL REFERENCES mint (id),
	unit    TEXT NOT NULL,
	max     INTEGER CHECK (max >= 0), -- null: as much as comes
	PRIMARY KEY (mint_id, unit)
) STRICT, WITHOUT ROWID;

-- Whose notes are worth something for a while only: status asks for them, and most keysets are for ever.
CREATE INDEX keyset_expiry ON keyset (final_expiry_s) WHERE final_expiry_s > 0;
