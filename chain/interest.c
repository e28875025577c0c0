#include "chain/interest.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "store/script_store.h"
#include "store/tx_store.h"
#include "store/watch_store.h"

#define FIRST_SIZE 1024u /* places, a power of two */
#define PAGE       1000u /* rows of a table at once */

struct interest {
	uint8_t key[16];
	uint64_t *places; /* hashes; 0 is none */
	size_t size, n;
	int64_t scripts, coins, inputs, watches; /* the last ids that are in it */
};

struct interest *interest_new(void)
{
	struct interest *in = calloc(1, sizeof(*in));

	if (in)
		in->places = calloc(FIRST_SIZE, sizeof(*in->places));
	if (!in || !in->places)
		err_fatal("out of memory");
	in->size = FIRST_SIZE;
	rng_bytes(in->key, sizeof(in->key));
	return in;
}

void interest_free(struct interest *in)
{
	if (!in)
		return;
	free(in->places);
	free(in);
}

size_t interest_size(const struct interest *in)
{
	return in->n;
}

/* --- the set --- */

static uint64_t hash_of(const struct interest *in, struct bytes v)
{
	uint64_t h = siphash(in->key, v);

	return h ? h : 1;
}

static uint64_t hash_of_output(const struct interest *in, const struct outpoint *at)
{
	uint8_t b[sizeof(at->txid.b) + sizeof(at->vout)];

	memcpy(b, at->txid.b, sizeof(at->txid.b));
	memcpy(b + sizeof(at->txid.b), &at->vout, sizeof(at->vout));
	return hash_of(in, (struct bytes){ b, sizeof(b) });
}

/* Where it is, or would be. */
static size_t place_of(const uint64_t *places, size_t size, uint64_t h)
{
	size_t i = (size_t)h & (size - 1);

	while (places[i] != 0 && places[i] != h)
		i = (i + 1) & (size - 1);
	return i;
}

static bool has(const struct interest *in, uint64_t h)
{
	return in->places[place_of(in->places, in->size, h)] == h;
}

static void grow(struct interest *in)
{
	uint64_t *places = calloc(in->size * 2, sizeof(*places));

	if (!places)
		err_fatal("out of memory");
	for (size_t i = 0; i < in->size; i++)
		if (in->places[i] != 0)
			places[place_of(places, in->size * 2, in->places[i])] = in->places[i];
	free(in->places);
	in->places = places;
	in->size *= 2;
}

static void add(struct interest *in, uint64_t h)
{
	size_t i = place_of(in->places, in->size, h);

	if (in->places[i] == h)
		return;
	in->places[i] = h;
	/* At most half full: a look that finds nothing ends soon. */
	if (++in->n * 2 > in->size)
		grow(in);
}

bool interest_has_output(const struct interest *in, const struct outpoint *at)
{
	return has(in, hash_of_output(in, at));
}

bool interest_has_script(const struct interest *in, struct bytes script)
{
	return has(in, hash_of(in, script));
}

bool interest_look(struct interest *in, struct block_tx *tx)
{
	struct outpoint at = { .txid = tx->txid };
	struct outpoint spent;
	struct block_out out;
	bool found = false;

	while (block_tx_next_in(tx, &spent))
		found = found || interest_has_output(in, &spent);
	while (block_tx_next_out(tx, &out))
		if (interest_has_script(in, out.script)) {
			at.vout = out.vout;
			add(in, hash_of_output(in, &at));
			found = true;
		}
	return found;
}

/* --- from the tables --- */

static void add_output(void *ctx, const struct outpoint *at)
{
	struct interest *in = ctx;

	add(in, hash_of_output(in, at));
}

static void add_script(void *ctx, const struct script_row *row)
{
	struct interest *in = ctx;

	add(in, hash_of(in, row->script));
	in->scripts = row->id;
}

static void add_watch(void *ctx, const struct watch_row *row)
{
	struct interest *in = ctx;

	add(in, row->is_script ? hash_of(in, row->script) : hash_of_output(in, &row->at));
}

/* Each reads one page: how many rows it had, or -1. */
static int read_scripts(struct interest *in, struct view v, struct arena *a, struct err *err)
{
	struct script_query q = { .chain = -1, .after = in->scripts, .limit = PAGE };

	return script_store_list(v, a, &q, add_script, in, err);
}

static int read_coins(struct interest *in, struct view v, struct arena *a, struct err *err)
{
	(void)a;
	return tx_store_coins_since(v, &in->coins, PAGE, add_output, in, err);
}

static int read_inputs(struct interest *in, struct view v, struct arena *a, struct err *err)
{
	(void)a;
	return tx_store_inputs_since(v, &in->inputs, PAGE, add_output, in, err);
}

static int read_watches(struct interest *in, struct view v, struct arena *a, struct err *err)
{
	return watch_store_since(v, a, &in->watches, PAGE, add_watch, in, err);
}

int interest_update(struct interest *in, struct store *s, bool *ret_new, struct err *err)
{
	static int (*const readers[])(struct interest *, struct view, struct arena *,
				      struct err *) = { read_scripts, read_coins, read_inputs, read_watches };
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
	bool any = false;
	int n;

	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		while ((n = readers[i](in, store_view(s), &a, err)) > 0) {
			any = true;
			arena_reset(&a);
		}
		if (n < 0)
			return err_context(err, "what is looked for");
	}
	*ret_new = any;
	return 0;
}
