#include "tests/peers/testmint/mint.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "tests/peers/testmint/invoice.h"

#define QUOTE_ID_BYTES 16

/* Every row begins with its key, so that one comparison serves each tree. */
struct seen_request {
	uint8_t key[sizeof(struct pubkey) + sizeof(struct hash32)];
};

struct cached_reply {
	struct hash32 request;
	const char *body;
	int64_t until_ms;
};

_Static_assert(offsetof(struct mint_note, y) == 0 && offsetof(struct mint_output, b) == 0 &&
		       offsetof(struct cached_reply, request) == 0 && offsetof(struct mint_quote_row, id) == 0,
	       "rows begin with their keys");

static int by_point(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pubkey));
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hash32));
}

static int by_request(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct seen_request));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void *row_find(void *const *tree, const void *key, int (*compare)(const void *, const void *))
{
	void *const *node = tfind(key, tree, compare);

	return node == NULL ? NULL : *node;
}

static void row_add(void **tree, const void *row, int (*compare)(const void *, const void *))
{
	if (tsearch(row, tree, compare) == NULL)
		err_fatal("out of memory");
}

static void nothing(void *row)
{
	(void)row; /* the arena's */
}

void mint_init(struct mint *m, const struct mint_options *opts)
{
	*m = (struct mint){ .opts = *opts, .arena = ARENA_LIMIT(SIZE_MAX / 4) };
	for (size_t i = 0; i < opts->n_units; i++)
		mint_rotate(m, i, opts->input_fee_ppk, opts->version);
}

void mint_done(struct mint *m)
{
	tdestroy(m->quotes, nothing);
	tdestroy(m->notes, nothing);
	tdestroy(m->outputs, nothing);
	tdestroy(m->requests, nothing);
	tdestroy(m->cache, nothing);
	arena_done(&m->arena);
}

const struct mint_keyset *mint_rotate(struct mint *m, size_t unit, uint64_t input_fee_ppk, enum keyset_version version)
{
	struct mint_keyset *ks = ARENA_NEW(&m->arena, struct mint_keyset);
	struct currency currency = m->opts.units[unit];
	const char *seed = arena_printf(&m->arena, "%s/%s/%zu", m->opts.seed, currency.s, m->n_keysets);

	if (m->n_keysets == MINT_KEYSETS_MAX)
		err_fatal("too many keysets");
	for (size_t i = 0; i < m->n_keysets; i++)
		if (currency_equal(m->keysets[i]->pub.unit, currency))
			m->keysets[i]->pub.active = false;
	mint_keyset_make(&m->arena, seed, version, currency.s, CASHU_KEYS_MAX, input_fee_ppk, 0, ks);
	m->keysets[m->n_keysets++] = ks;
	return ks;
}

const struct mint_keyset *mint_keyset(const struct mint *m, const struct keyset_id *id)
{
	for (size_t i = 0; i < m->n_keysets; i++)
		if (keyset_id_equal(&m->keysets[i]->pub.id, id))
			return m->keysets[i];
	return NULL;
}

int mint_unit(const struct mint *m, const char *text)
{
	for (size_t i = 0; i < m->opts.n_units; i++)
		if (strcmp(m->opts.units[i].s, text) == 0)
			return (int)i;
	return -1;
}

struct mint_quote_row *mint_quote_new(struct mint *m, size_t unit, uint64_t amount)
{
	struct mint_quote_row *q = ARENA_NEW(&m->arena, struct mint_quote_row);
	int64_t now_ms = clock_now_ms();
	uint8_t id[QUOTE_ID_BYTES];

	rng_bytes(id, sizeof(id));
	*q = (struct mint_quote_row){ .amount = amount,
				      .unit = unit,
				      .state = QUOTE_UNPAID,
				      .due_ms = m->opts.pay_delay_ms < 0 ? -1 : now_ms + m->opts.pay_delay_ms,
				      .expiry_s = m->opts.quote_ttl_s == 0 ? 0 : now_ms / 1000 + m->opts.quote_ttl_s };
	hex_encode(id, sizeof(id), q->id);
	q->request = invoice_make(&m->arena, m->opts.seed, m->opts.units[unit].s, amount, now_ms / 1000);
	row_add(&m->quotes, q, by_text);
	return q;
}

struct mint_quote_row *mint_quote(struct mint *m, const char *id)
{
	struct mint_quote_row *q = row_find(&m->quotes, id, by_text);

	if (q != NULL && q->state == QUOTE_UNPAID && q->due_ms >= 0 && clock_now_ms() >= q->due_ms)
		q->state = QUOTE_PAID;
	return q;
}

struct mint_note *mint_note(struct mint *m, const struct pubkey *y)
{
	struct mint_note *note = row_find(&m->notes, y, by_point);

	if (note == NULL) {
		note = ARENA_NEW(&m->arena, struct mint_note);
		*note = (struct mint_note){ .y = *y, .state = NOTE_UNSPENT };
		row_add(&m->notes, note, by_point);
	}
	return note;
}

enum note_state mint_note_state(const struct mint *m, const struct pubkey *y)
{
	const struct mint_note *note = row_find(&m->notes, y, by_point);

	return note == NULL ? NOTE_UNSPENT : note->state;
}

struct mint_output *mint_output(struct mint *m, const struct pubkey *b)
{
	struct mint_output *o = row_find(&m->outputs, b, by_point);

	if (o == NULL) {
		o = ARENA_NEW(&m->arena, struct mint_output);
		*o = (struct mint_output){ .b = *b };
		row_add(&m->outputs, o, by_point);
	}
	return o;
}

const struct mint_output *mint_output_signed(const struct mint *m, const struct pubkey *b)
{
	const struct mint_output *o = row_find(&m->outputs, b, by_point);

	return o != NULL && o->is_signed ? o : NULL;
}

static struct hash32 fingerprint(const char *path, const json_t *body)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024 * 1024);
	json_t *copy = json_hold(&a, json_deep_copy(body)), *input;
	struct hash32 h;
	size_t i;

	(void)json_object_del(copy, "signature");
	json_array_foreach(json_object_get(copy, "inputs"), i, input)(void) json_object_del(input, "witness");
	sha256_two(bytes_of(path), bytes_of(json_canonical(&a, copy)), &h);
	return h;
}

void mint_saw(struct mint *m, const char *path, const json_t *body)
{
	struct hash32 request = fingerprint(path, body);
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(body, "outputs"), i, e)
	{
		const char *hex = json_string_value(json_object_get(e, "B_"));
		struct seen_request *seen;
		struct mint_output *o;
		struct pubkey b;

		if (hex == NULL || !hex_decode(hex, b.b, sizeof(b.b)))
			continue;
		seen = ARENA_NEW(&m->arena, struct seen_request);
		memcpy(seen->key, b.b, sizeof(b.b));
		memcpy(seen->key + sizeof(b.b), request.b, sizeof(request.b));
		if (row_find(&m->requests, seen, by_request) != NULL)
			continue;
		row_add(&m->requests, seen, by_request);
		o = mint_output(m, &b);
		m->outputs_seen += o->requests == 0;
		m->outputs_reused += o->requests == 1;
		o->requests++;
	}
}

const char *mint_cached(struct mint *m, const struct hash32 *request)
{
	const struct cached_reply *c = row_find(&m->cache, request, by_hash);

	return c == NULL || clock_now_ms() >= c->until_ms ? NULL : c->body;
}

void mint_keep(struct mint *m, const struct hash32 *request, const char *body)
{
	struct cached_reply *c = row_find(&m->cache, request, by_hash);

	if (m->opts.cache_ttl_s == 0)
		return;
	if (c == NULL) {
		c = ARENA_NEW(&m->arena, struct cached_reply);
		c->request = *request;
		row_add(&m->cache, c, by_hash);
	}
	c->body = arena_strdup(&m->arena, body);
	c->until_ms = clock_now_ms() + m->opts.cache_ttl_s * 1000;
}
