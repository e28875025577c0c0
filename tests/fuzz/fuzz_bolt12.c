/* BOLT 12 from strangers: by the first byte the text of an offer, the bytes of one, or those of an invoice.  What is read is
 * written as the same. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/lightning/bolt12_invoice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Fields are written in one way only. */
static void fields_are(const struct bolt12_fields *f, struct bytes raw)
{
	size_t at = 0;

	for (size_t i = 0; i < f->n; i++) {
		must(f->v[i].whole.p == raw.p + at);
		must(i == 0 || f->v[i].type > f->v[i - 1].type);
		at += f->v[i].whole.n;
	}
	must(at == raw.n);
}

static void look_at(const struct bolt12_offer *o)
{
	struct hash32 root;
	struct err err;

	fields_are(&o->fields, o->raw);
	must(o->has_issuer_id || o->paths.n > 0);
	must(!o->has_amount || o->amount > 0);
	must(bolt12_merkle_root(&o->fields, &root, &err) == 0);
	must(bolt12_offer_check(o, &bolt12_default_chain, 0, &err) == 0 || err.code == ERR_NETWORK);
}

static void text(struct arena *a, struct bytes v)
{
	const char *given = arena_strndup(a, (const char *)v.p, v.n);
	struct bolt12_offer o, again;
	struct err err;

	if (bolt12_offer_decode(a, given, &o, &err) != 0)
		return;
	must(bolt12_text_is(given, "lno"));
	look_at(&o);
	must(bolt12_offer_decode(a, bolt12_text_encode(a, "lno", o.raw), &again, &err) == 0);
	must(bytes_equal(again.raw, o.raw));
}

static void offer(struct arena *a, struct bytes v)
{
	struct bolt12_offer o;
	struct err err;

	if (bolt12_offer_read(a, v, &o, &err) == 0)
		look_at(&o);
}

static void invoice(struct arena *a, struct bytes v)
{
	struct bolt12_invoice inv;
	struct err err;

	if (bolt12_invoice_read(a, v, &inv, &err) == 0)
		fields_are(&inv.fields, inv.raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct arena *, struct bytes) = { text, offer, invoice };
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * BOLT12_ROOM + 4 * size);
	static const uint8_t blind[32] = { 1 };
	static bool ready;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (size > 0)
		readers[data[0] % ARRAY_LEN(readers)](&a, (struct bytes){ data + 1, size - 1 });
	return 0;
}
