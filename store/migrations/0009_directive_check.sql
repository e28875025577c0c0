-- A CHECK with a list of three or more makes SQLite build a table of the list, and drop it, for each row that is written: a
-- quarter of what a directive's row takes.  The same condition in other words; no row changes, so that the text of the
-- table is all that is written, in the way that SQLite's documentation of ALTER TABLE gives for this.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '(delivery_status IN (0, 1, 5))',
	'(delivery_status = 0 OR delivery_status = 1 OR delivery_status = 5)')
	WHERE type = 'table' AND name = 'directive_outbox';
PRAGMA writable_schema = RESET;
