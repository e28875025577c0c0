/* A token from a stranger: read it; what was read can be written, and reads as the same again. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/cashu/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool same_proof(const struct proof *p, const struct proof *q)
{
	return p->amount == q->amount && keyset_id_equal(&p->keyset, &q->keyset) && strcmp(p->secret, q->secret) == 0 &&
	       pubkey_equal(&p->c, &q->c) && pubkey_equal(&p->y, &q->y) &&
	       (p->witness == NULL) == (q->witness == NULL) &&
	       (p->witness == NULL || strcmp(p->witness, q->witness) == 0);
}

/* V4 puts the proofs of one keyset together: order is kept only within each. */
static bool holds(const struct token *t, const struct proof *p)
{
	for (size_t i = 0; i < t->n; i++)
		if (same_proof(&t->proofs[i], p))
			return true;
	return false;
}

static void same(const struct token *a, const struct token *b)
{
	must(a->n == b->n && a->sum == b->sum && strcmp(a->mint, b->mint) == 0 && currency_equal(a->unit, b->unit));
	must((a->memo == NULL) == (b->memo == NULL) && (a->memo == NULL || strcmp(a->memo, b->memo) == 0));
	for (size_t i = 0; i < a->n; i++)
		must(holds(b, &a->proofs[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024 * 1024);
	struct token t, back;
	struct err err;
	char *text;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (token_decode(&a, (struct bytes){ data, size }, &t, &err) != 0) {
		must(err.code == ERR_TOKEN);
		return 0;
	}
	must(t.n > 0 && t.n <= CASHU_LIST_MAX && t.sum > 0 && t.sum <= AMOUNT_MAX);
	if (!t.has_unit) {
		must(currency_parse("sat", &t.unit));
		t.has_unit = true;
	}
	must(token_encode_v3(&a, &t, &text, &err) == 0);
	must(token_decode(&a, bytes_of(text), &back, &err) == 0);
	same(&t, &back);
	if (token_encode_v4(&a, &t, NULL, 0, &text, &err) != 0) {
		must(err.code == ERR_UNSUPPORTED); /* legacy ids */
		return 0;
	}
	must(token_decode(&a, bytes_of(text), &back, &err) == 0);
	/* Short now, where they were whole. */
	for (size_t i = 0; i < t.n; i++)
		if (t.proofs[i].keyset.s[1] == '1')
			t.proofs[i].keyset.s[16] = '\0';
	same(&t, &back);
	return 0;
}
