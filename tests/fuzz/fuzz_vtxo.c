/* A VTXO from a stranger: read it; what was read can be written, reads as the same again, in all its forms, and can be turned
 * into its exit and judged without dying of anything. */
#include <stdlib.h>

#include "rails/ark/exit_tx.h"
#include "rails/ark/validate.h"
#include "rails/bitcoin/secp.h"

#define EXIT_STEPS_MAX 16 /* a key aggregate for each takes time, and the seventeenth shows nothing new */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool is_decoding_error(const struct err *err)
{
	return err->code == ERR_VTXO || err->code == ERR_VTXO_VERSION || err->code == ERR_VTXO_POLICY ||
	       err->code == ERR_VTXO_BARE || err->code == ERR_RANGE;
}

static void same_in_every_form(struct arena *a, const struct vtxo *v, enum vtxo_form form)
{
	struct bytes full = vtxo_encode(a, v), bare = vtxo_encode_bare(a, v);
	struct vtxo back;
	struct err err;

	must(vtxo_decode(a, full, form, &back, &err) == 0);
	must(bytes_equal(vtxo_encode(a, &back), full));
	must(back.n_items == v->n_items && vtxo_has_all_witnesses(&back) == vtxo_has_all_witnesses(v));
	if (form == VTXO_SERVER)
		return; /* whose policy the other forms need not have */
	must(vtxo_decode(a, bare, VTXO_BARE, &back, &err) == 0);
	must(bytes_equal(vtxo_encode_bare(a, &back), bare));
	must(form == VTXO_BARE || vtxo_join(a, bare, vtxo_genesis_encode(a, v), &back, &err) == 0);
	must(form == VTXO_BARE || bytes_equal(vtxo_encode(a, &back), full));
}

/* Every transaction pays out what comes in. */
static void nothing_is_lost(const struct exit_chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct tx *tx = &c->txs[i].tx;
		struct sat sum = { 0 };

		for (size_t k = 0; k < tx->n_out; k++)
			must(sat_add(sum, tx->out[k].value, &sum));
		must(sat_cmp(sum, c->txs[i].spent.value) == 0);
	}
}

/* On an anchor made for it everything but the signatures is right. */
static void exits(struct arena *a, const struct vtxo *v)
{
	struct tx anchor = { .version = 2, .n_out = 1 };
	struct vtxo moved = *v;
	struct exit_chain c;
	struct err err;

	must(vtxo_check_standard(v, &err) == 0 || err.code == ERR_VTXO_DUST || err.code == ERR_VTXO_SCRIPT ||
	     err.code == ERR_CRYPTO);
	if (v->n_items > EXIT_STEPS_MAX || exit_chain_make(a, v, &c, &err) != 0)
		return;
	nothing_is_lost(&c);
	anchor.out = &c.anchor;
	moved.anchor = (struct outpoint){ tx_txid(&anchor), 0 };
	must(exit_chain_make(a, &moved, &c, &err) == 0);
	moved.point = c.n > 0 ? c.txs[c.n - 1].next : moved.anchor;
	must(vtxo_validate_unsigned(&moved, &anchor, &err) == 0);
	must((vtxo_validate(&moved, &anchor, &err) == 0) == (c.n == 0)); /* nobody signed this */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	for (enum vtxo_form form = VTXO_FULL; form <= VTXO_SERVER; form++) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024 * 1024), just = ARENA_LIMIT(VTXO_ARENA_FOR(size));
		struct vtxo v;
		struct err err;

		must(vtxo_decode(&just, (struct bytes){ data, size }, form, &v, &err) == 0 ||
		     (err.code != ERR_RANGE && is_decoding_error(&err)) || size > VTXO_SIZE_MAX);
		if (vtxo_decode(&a, (struct bytes){ data, size }, form, &v, &err) != 0) {
			must(is_decoding_error(&err));
			continue;
		}
		same_in_every_form(&a, &v, form);
		exits(&a, &v);
	}
	return 0;
}
