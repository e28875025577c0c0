/* A payment request from a stranger: the text of one, or with a 0 in front the CBOR of one, which is otherwise hidden behind
 * base64.  What is read can be written, and reads as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/cashu/lock.h"
#include "rails/cashu/payreq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void same_text(const char *a, const char *b)
{
	must((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0));
}

static void same_tags(const struct payreq_tags *a, const struct payreq_tags *b)
{
	must(a->n == b->n && a->n <= PAYREQ_TAGS_MAX);
	for (size_t i = 0; i < a->n; i++) {
		must(a->tag[i].n == b->tag[i].n && a->tag[i].n > 0 && a->tag[i].n <= PAYREQ_VALUES_MAX);
		for (size_t j = 0; j < a->tag[i].n; j++)
			same_text(a->tag[i].v[j], b->tag[i].v[j]);
	}
}

static void same(const struct payreq *a, const struct payreq *b)
{
	same_text(a->id, b->id);
	same_text(a->description, b->description);
	must(a->has_amount == b->has_amount && a->amount == b->amount && a->has_unit == b->has_unit);
	must(currency_equal(a->unit, b->unit) && a->single_use == b->single_use);
	must(a->n_mints == b->n_mints && a->n_transports == b->n_transports && a->has_lock == b->has_lock);
	for (size_t i = 0; i < a->n_mints; i++)
		same_text(a->mints[i], b->mints[i]);
	for (size_t i = 0; i < a->n_transports; i++) {
		same_text(a->transport[i].type, b->transport[i].type);
		same_text(a->transport[i].target, b->transport[i].target);
		same_tags(&a->transport[i].tags, &b->transport[i].tags);
	}
	if (!a->has_lock)
		return;
	same_text(a->lock.kind, b->lock.kind);
	same_text(a->lock.data, b->lock.data);
	same_tags(&a->lock.tags, &b->lock.tags);
}

static void check_lock(struct arena *a, const struct payreq_lock *l)
{
	static const uint8_t nonce[32];
	struct lock lock;
	struct err err;
	char *text;

	if (payreq_lock_secret(a, l, nonce, &text, &err) != 0)
		must(err.code == ERR_LOCK || err.code == ERR_UNSUPPORTED);
	else
		must(lock_parse(text, &lock, &err) == 0 && (lock.kind == LOCK_P2PK || lock.kind == LOCK_HTLC));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
	struct payreq r, back;
	struct err err;
	char *text;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (size > PAYREQ_TEXT_MAX)
		return 0;
	if (size > 0 && data[0] == 0)
		text = arena_printf(&a, "creqA%s", base64url_text(&a, (struct bytes){ data + 1, size - 1 }));
	else
		text = arena_strndup(&a, (const char *)data, size);
	if (payreq_decode(&a, text, &r, &err) != 0) {
		must(err.code == ERR_PAYMENT_REQUEST);
		return 0;
	}
	must(!r.has_amount || (r.has_unit && r.amount > 0 && r.amount <= AMOUNT_MAX));
	if (r.has_lock)
		check_lock(&a, &r.lock);
	(void)payreq_post(&r); /* must not stumble */
	must(payreq_encode(&a, &r, &text, &err) == 0);
	must(payreq_decode(&a, text, &back, &err) == 0);
	same(&r, &back);
	return 0;
}
