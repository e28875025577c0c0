#include "rails/bitcoin/psbt.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/psbt_v2.h"

static const uint8_t magic[5] = { 'p', 's', 'b', 't', 0xff };

/* Reading one field's value as what it should be: a transaction of the size it has, or a tree. */
#define SCRATCH_FOR(n) (TX_ARENA_FOR(n) + 1024 * 1024)

static int too_large(struct err *err)
{
	return ERR(err, ERR_RANGE, "PSBT: larger than there is room for here");
}

static int malformed(struct err *err)
{
	return ERR(err, ERR_PSBT, "not a PSBT");
}

/* --- maps --- */

static int compare_bytes(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_key(const void *a, const void *b)
{
	const struct psbt_field *x = a, *y = b;

	return compare_bytes(x->key, y->key);
}

/* Until the empty key that ends a map: key, value, key, value. */
static bool read_field(struct reader *r, struct psbt_field *ret)
{
	ret->key = read_compact_bytes(r);
	if (!reader_ok(r) || ret->key.n == 0)
		return false;
	ret->value = read_compact_bytes(r);
	return reader_ok(r);
}

static bool has_twins(const struct psbt_map *m)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT((m->n + 1) * sizeof(struct psbt_field) + 64);
	struct psbt_field *sorted = ARENA_ARRAY(&scratch, m->n, struct psbt_field);

	if (m->n == 0)
		return false;
	memcpy(sorted, m->fields, m->n * sizeof(*sorted));
	qsort(sorted, m->n, sizeof(*sorted), by_key);
	for (size_t i = 1; i < m->n; i++)
		if (by_key(&sorted[i - 1], &sorted[i]) == 0)
			return true;
	return false;
}

static int read_map(struct arena *a, struct reader *r, struct psbt_map *ret, struct err *err)
{
	struct psbt_map m = { 0 };
	struct reader probe = *r;
	struct psbt_field f;

	while (read_field(&probe, &f))
		m.room++;
	if (!reader_ok(&probe))
		return malformed(err);
	if (!arena_room(a, m.room * sizeof(*m.fields)))
		return too_large(err);
	m.fields = ARENA_ARRAY(a, m.room, struct psbt_field);
	while (read_field(r, &f))
		m.fields[m.n++] = f;
	if (has_twins(&m))
		return ERR(err, ERR_PSBT, "PSBT: a field stands twice");
	*ret = m;
	return 0;
}

static int check_map(const struct psbt_map *m, enum psbt_part part, unsigned version, struct err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH_FOR(m->fields[i].value.n));

		if (psbt_field_check(&scratch, part, version, &m->fields[i], err) != 0)
			return -1;
	}
	return 0;
}

struct bytes psbt_key_data(const struct psbt_field *f)
{
	struct reader r = reader_of(f->key);

	(void)read_compact(&r);
	return (struct bytes){ r.p, r.n };
}

bool psbt_find(const struct psbt_map *m, uint8_t type, size_t *at)
{
	for (size_t i = *at; i < m->n; i++)
		if (m->fields[i].key.p[0] == type) {
			*at = i;
			return true;
		}
	return false;
}

static struct psbt_field *field_of(const struct psbt_map *m, uint8_t type, struct bytes data)
{
	for (size_t i = 0; psbt_find(m, type, &i); i++)
		if (bytes_equal(psbt_key_data(&m->fields[i]), data))
			return &m->fields[i];
	return NULL;
}

bool psbt_get(const struct psbt_map *m, uint8_t type, struct bytes data, struct bytes *ret)
{
	const struct psbt_field *f = field_of(m, type, data);

	if (f == NULL)
		return false;
	*ret = f->value;
	return true;
}

/* Before the first field with a greater key: maps that were in order stay so. */
static void insert(struct arena *a, struct psbt_map *m, struct psbt_field f)
{
	size_t at = 0;

	if (m->n == m->room) {
		struct psbt_field *grown = ARENA_ARRAY(a, 2 * m->room + 8, struct psbt_field);

		if (m->n > 0)
			memcpy(grown, m->fields, m->n * sizeof(*grown));
		m->fields = grown;
		m->room = 2 * m->room + 8;
	}
	while (at < m->n && by_key(&m->fields[at], &f) < 0)
		at++;
	memmove(&m->fields[at + 1], &m->fields[at], (m->n - at) * sizeof(f));
	m->fields[at] = f;
	m->n++;
}

int psbt_put(struct arena *a, struct psbt_map *m, uint8_t type, struct bytes data, struct bytes value, struct err *err)
{
	struct psbt_field *there = field_of(m, type, data);
	uint8_t *key;

	if (!arena_room(a, data.n + value.n + (2 * m->room + 8) * sizeof(*there) + 64))
		return too_large(err);
	if (there != NULL) {
		there->value = arena_bytes(a, value);
		return 0;
	}
	key = arena_alloc(a, 1 + data.n);
	key[0] = type;
	if (data.n > 0)
		memcpy(key + 1, data.p, data.n);
	insert(a, m, (struct psbt_field){ { key, 1 + data.n }, arena_bytes(a, value) });
	return 0;
}

void psbt_drop_range(struct psbt_map *m, uint8_t first, uint8_t last)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->fields[i].key.p[0] < first || m->fields[i].key.p[0] > last)
			m->fields[n++] = m->fields[i];
	m->n = n;
}

void psbt_drop(struct psbt_map *m, uint8_t type)
{
	psbt_drop_range(m, type, type);
}

/* --- reading and writing --- */

static int read_version(const struct psbt_map *global, unsigned *ret, struct err *err)
{
	struct bytes none = { 0 }, v;
	struct reader r;
	uint32_t version = 0;

	if (psbt_get(global, PSBT_GLOBAL_VERSION, none, &v)) {
		r = reader_of(v);
		version = read_le32(&r);
		if (!reader_at_end(&r) || (version != 0 && version != 2))
			return ERR(err, ERR_PSBT, "PSBT: not of version 0 or 2");
	}
	*ret = version;
	return 0;
}

static int check_unsigned(const struct tx *tx, struct err *err)
{
	for (size_t i = 0; i < tx->n_in; i++)
		if (tx->in[i].script_sig.n > 0 || tx->in[i].witness.n > 0)
			return ERR(err, ERR_PSBT, "PSBT: its transaction is signed already");
	return 0;
}

static int read_tx(struct arena *a, struct psbt *p, struct err *err)
{
	struct bytes none = { 0 }, raw;
	struct err why;

	if (!psbt_get(&p->global, PSBT_GLOBAL_TX, none, &raw))
		return ERR(err, ERR_PSBT, "PSBT: without a transaction");
	if (!arena_room(a, TX_LEGACY_ARENA_FOR(raw.n)))
		return too_large(err);
	if (tx_decode_legacy(a, raw, &p->tx, &why) != 0)
		return ERR(err, ERR_PSBT, "PSBT: %s", why.msg);
	psbt_drop(&p->global, PSBT_GLOBAL_TX);
	return check_unsigned(&p->tx, err);
}

static int read_maps(struct arena *a, struct reader *r, enum psbt_part part, unsigned version, size_t n,
		     struct psbt_map **ret, struct err *err)
{
	struct psbt_map *maps;

	if (n > r->n) /* each ends with a byte at least */
		return malformed(err);
	if (!arena_room(a, n * sizeof(*maps)))
		return too_large(err);
	maps = ARENA_ARRAY(a, n, struct psbt_map);
	for (size_t i = 0; i < n; i++)
		if (read_map(a, r, &maps[i], err) != 0 || check_map(&maps[i], part, version, err) != 0)
			return err_context(err, "%s %zu", part == PSBT_PART_IN ? "input" : "output", i);
	*ret = maps;
	return 0;
}

int psbt_decode(struct arena *a, struct bytes v, struct psbt *ret, struct err *err)
{
	struct psbt p = { 0 };
	unsigned version;
	struct reader r;

	if (v.n > PSBT_SIZE_MAX || !arena_room(a, v.n + 1))
		return too_large(err);
	r = reader_of(arena_bytes(a, v));
	if (!bytes_equal(read_bytes(&r, sizeof(magic)), (struct bytes){ magic, sizeof(magic) }))
		return malformed(err);
	if (read_map(a, &r, &p.global, err) != 0 || read_version(&p.global, &version, err) != 0 ||
	    check_map(&p.global, PSBT_PART_GLOBAL, version, err) != 0 ||
	    (version == 0 ? read_tx(a, &p, err) : psbt_v2_start(a, &p, r.n, err)) != 0)
		return -1;
	psbt_drop(&p.global, PSBT_GLOBAL_VERSION);
	if (read_maps(a, &r, PSBT_PART_IN, version, p.tx.n_in, &p.in, err) != 0 ||
	    read_maps(a, &r, PSBT_PART_OUT, version, p.tx.n_out, &p.out, err) != 0)
		return -1;
	if (!reader_at_end(&r))
		return ERR(err, ERR_PSBT, "PSBT: something stands behind it");
	if (version == 2 && psbt_v2_finish(&p, err) != 0)
		return -1;
	*ret = p;
	return 0;
}

int psbt_decode_text(struct arena *a, const char *base64, struct psbt *ret, struct err *err)
{
	struct bytes raw, text = bytes_of(base64);

	if (text.n / 4 * 3 > PSBT_SIZE_MAX || !arena_room(a, text.n))
		return too_large(err);
	if (!base64_decode(a, text, PSBT_SIZE_MAX, &raw))
		return ERR(err, ERR_PSBT, "not a PSBT: not base64");
	return psbt_decode(a, raw, ret, err);
}

int psbt_create(struct arena *a, const struct tx *tx, struct psbt *ret, struct err *err)
{
	SCOPED(buf) struct buf b = BUF_CAP(tx_size(tx));
	struct psbt p = { 0 };

	if (check_unsigned(tx, err) != 0)
		return -1;
	tx_encode_legacy(tx, &b);
	if (tx_decode_legacy(a, buf_bytes(&b), &p.tx, err) != 0)
		return -1;
	p.in = ARENA_ARRAY(a, tx->n_in, struct psbt_map);
	p.out = ARENA_ARRAY(a, tx->n_out, struct psbt_map);
	*ret = p;
	return 0;
}

static void write_fields(const struct psbt_map *m, struct buf *b)
{
	for (size_t i = 0; i < m->n; i++) {
		buf_compact_bytes(b, m->fields[i].key);
		buf_compact_bytes(b, m->fields[i].value);
	}
	buf_u8(b, 0);
}

void psbt_encode(const struct psbt *p, struct buf *b)
{
	buf_add(b, magic, sizeof(magic));
	buf_compact(b, 1);
	buf_u8(b, PSBT_GLOBAL_TX);
	buf_compact(b, tx_size_legacy(&p->tx));
	tx_encode_legacy(&p->tx, b);
	write_fields(&p->global, b);
	for (size_t i = 0; i < p->tx.n_in; i++)
		write_fields(&p->in[i], b);
	for (size_t i = 0; i < p->tx.n_out; i++)
		write_fields(&p->out[i], b);
}

int psbt_text(struct arena *a, const struct psbt *p, char **ret, struct err *err)
{
	SCOPED(buf) struct buf b = BUF_CAP(PSBT_SIZE_MAX);

	psbt_encode(p, &b);
	if (!buf_ok(&b) || !arena_room(a, b.n / 3 * 4 + 8))
		return too_large(err);
	*ret = base64_text(a, buf_bytes(&b));
	return 0;
}

/* --- what is known of inputs and outputs --- */

int psbt_put_witness_utxo(struct arena *a, struct psbt *p, size_t input, const struct tx_out *spent, struct err *err)
{
	SCOPED(buf) struct buf b = BUF_CAP(spent->script.n + 32);

	tx_out_encode(spent, &b);
	return psbt_put(a, &p->in[input], PSBT_IN_WITNESS_UTXO, (struct bytes){ 0 }, buf_bytes(&b), err);
}

/* Inputs and outputs number the same two fields differently. */
int psbt_put_tap_key(struct arena *a, struct psbt *p, enum psbt_part part, size_t i, const struct xonly *internal,
		     const struct psbt_origin *o, struct err *err)
{
	bool in = part == PSBT_PART_IN;
	struct psbt_map *m = in ? &p->in[i] : &p->out[i];
	struct bytes key = { internal->b, sizeof(internal->b) }, none = { 0 };
	SCOPED(buf) struct buf b = BUF_CAP(PSBT_ORIGIN_MAX);

	psbt_origin_encode(o, &b);
	if (psbt_put(a, m, in ? PSBT_IN_TAP_INTERNAL_KEY : PSBT_OUT_TAP_INTERNAL_KEY, none, key, err) != 0)
		return -1;
	return psbt_put(a, m, in ? PSBT_IN_TAP_BIP32_DERIVATION : PSBT_OUT_TAP_BIP32_DERIVATION, key, buf_bytes(&b),
			err);
}

static int output_of_tx(struct arena *a, const struct outpoint *at, struct bytes raw, struct tx_out *ret,
			struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(TX_ARENA_FOR(raw.n));
	struct txid id;
	struct tx tx;

	if (tx_decode(&scratch, raw, &tx, err) != 0)
		return -1;
	id = tx_txid(&tx);
	if (!txid_equal(&id, &at->txid))
		return ERR(err, ERR_PSBT, "PSBT: the transaction given is not the one spent");
	if (at->vout >= tx.n_out)
		return ERR(err, ERR_PSBT, "PSBT: the transaction spent has no output %u", at->vout);
	if (!arena_room(a, tx.out[at->vout].script.n + 1))
		return too_large(err);
	*ret = (struct tx_out){ tx.out[at->vout].value, arena_bytes(a, tx.out[at->vout].script) };
	return 0;
}

static struct tx_out output_alone(struct bytes raw)
{
	struct reader r = reader_of(raw);
	struct tx_out out;

	out.value.v = read_le64(&r);
	out.script = read_compact_bytes(&r);
	return out; /* it was checked when it came in */
}

int psbt_spent(struct arena *a, const struct psbt *p, size_t input, struct tx_out *ret, struct err *err)
{
	struct bytes none = { 0 }, raw;
	struct tx_out whole = { 0 }, alone = { 0 };
	bool has_whole = psbt_get(&p->in[input], PSBT_IN_NON_WITNESS_UTXO, none, &raw), has_alone;

	if (has_whole && output_of_tx(a, &p->tx.in[input].prevout, raw, &whole, err) != 0)
		return err_context(err, "input %zu", input);
	has_alone = psbt_get(&p->in[input], PSBT_IN_WITNESS_UTXO, none, &raw);
	if (has_alone)
		alone = output_alone(raw);
	if (!has_whole && !has_alone)
		return ERR(err, ERR_PSBT, "PSBT: what input %zu spends is not told", input);
	if (has_whole && has_alone &&
	    (sat_cmp(whole.value, alone.value) != 0 || !bytes_equal(whole.script, alone.script)))
		return ERR(err, ERR_PSBT, "PSBT: what input %zu spends is told in two ways", input);
	*ret = has_whole ? whole : alone;
	return 0;
}

int psbt_fee(struct arena *a, const struct psbt *p, struct sat *ret, struct err *err)
{
	struct sat in = { 0 }, out;

	for (size_t i = 0; i < p->tx.n_in; i++) {
		struct tx_out spent;

		if (psbt_spent(a, p, i, &spent, err) != 0)
			return -1;
		if (!sat_add(in, spent.value, &in) || !sat_is_money(in))
			return ERR(err, ERR_PSBT, "PSBT: spends more than all money");
	}
	if (!tx_value_out(&p->tx, &out) || !sat_sub(in, out, ret))
		return ERR(err, ERR_PSBT, "PSBT: pays more than it spends");
	return 0;
}

/* --- combining --- */

/* Both sorted by key, then one after the other: maps may be long. */
static int combine_map(struct arena *a, struct psbt_map *m, const struct psbt_map *other, struct err *err)
{
	size_t n = 0, i = 0, room = m->n + other->n;
	struct psbt_field *all, *theirs;

	if (other->n == 0)
		return 0;
	if (!arena_room(a, (room + other->n) * sizeof(*all) + 32))
		return too_large(err);
	all = ARENA_ARRAY(a, room, struct psbt_field);
	theirs = ARENA_ARRAY(a, other->n, struct psbt_field);
	memcpy(theirs, other->fields, other->n * sizeof(*theirs));
	qsort(theirs, other->n, sizeof(*theirs), by_key);
	if (m->n > 0)
		qsort(m->fields, m->n, sizeof(*m->fields), by_key);
	for (size_t j = 0; j < other->n; j++) {
		int order = -1;

		for (; i < m->n && (order = by_key(&m->fields[i], &theirs[j])) < 0; i++)
			all[n++] = m->fields[i];
		if (i < m->n && order == 0)
			continue;
		if (!arena_room(a, theirs[j].key.n + theirs[j].value.n + 64))
			return too_large(err);
		all[n++] = (struct psbt_field){ arena_bytes(a, theirs[j].key), arena_bytes(a, theirs[j].value) };
	}
	for (; i < m->n; i++)
		all[n++] = m->fields[i];
	*m = (struct psbt_map){ .fields = all, .n = n, .room = room };
	return 0;
}

int psbt_combine(struct arena *a, struct psbt *p, const struct psbt *other, struct err *err)
{
	struct txid ours = tx_txid(&p->tx), theirs = tx_txid(&other->tx);

	if (!txid_equal(&ours, &theirs))
		return ERR(err, ERR_PSBT, "PSBT: of another transaction");
	if (combine_map(a, &p->global, &other->global, err) != 0)
		return -1;
	for (size_t i = 0; i < p->tx.n_in; i++)
		if (combine_map(a, &p->in[i], &other->in[i], err) != 0)
			return -1;
	for (size_t i = 0; i < p->tx.n_out; i++)
		if (combine_map(a, &p->out[i], &other->out[i], err) != 0)
			return -1;
	return 0;
}
