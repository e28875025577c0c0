#include "actions/invoice.h"

#include "base/text.h"
#include "rails/lightning/bolt11.h"
#include "store/melt_store.h"

static void set_hex(struct arena *a, json_t *to, const char *name, const void *p, size_t n)
{
	char *hex = arena_alloc(a, 2 * n + 1);

	hex_encode(p, n, hex);
	json_set_str(to, name, hex);
}

/* What stands in it, word for word.  The payment secret is left out: nobody but the payer's node has a use for it. */
static int terms(struct arena *a, const struct bolt11 *inv, json_t *to, struct err *err)
{
	json_set_str(to, "network", network_names[inv->net]);
	if (inv->has_amount) {
		if (msat_value(inv->amount) > AMOUNT_MAX)
			return ERR(err, ERR_INVOICE, "the invoice asks for more than any amount");
		json_set_u64(to, "amount_msat", msat_value(inv->amount));
	}
	json_set_str(to, "description", inv->description);
	if (!inv->description)
		set_hex(a, to, "description_hash", inv->description_hash.b, sizeof(inv->description_hash.b));
	set_hex(a, to, "payment_hash", inv->payment_hash.b, sizeof(inv->payment_hash.b));
	set_hex(a, to, "payee", inv->payee.b, sizeof(inv->payee.b));
	json_set_int(to, "made_at_s", inv->made_at_s);
	json_set_int(to, "expires_at_s", bolt11_expires_at_s(inv));
	return 0;
}

/* The action that pays it now, or has paid it. */
static int payment(struct view v, struct arena *a, const struct bolt11 *inv, json_t *to, bool *ret_paid,
		   struct err *err)
{
	struct melt_quote_row row;
	bool paid = true;

	err_clear(err);
	if (melt_store_paid(v, a, &inv->payment_hash, &row, err) != 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		paid = false;
		err_clear(err);
		if (melt_store_open(v, a, &inv->payment_hash, &row, err) != 0) {
			if (err->code != ERR_NOT_FOUND)
				return -1;
			row.action = (struct action_id){ 0 };
		}
	}
	err_clear(err);
	json_set_bool(to, "paid", paid);
	if (!action_id_is_empty(&row.action))
		json_set_str(to, "action_id", row.action.s);
	*ret_paid = paid;
	return 0;
}

int invoice_describe(struct view v, struct arena *a, const char *text, enum network net, int64_t now_s, json_t **ret,
		     struct err *err)
{
	json_t *out = json_object_in(a);
	struct bolt11 inv;
	struct err why;
	bool paid;

	if (bolt11_decode(a, text, &inv, err) != 0 || terms(a, &inv, out, err) != 0)
		return err_field(err, "invoice");
	if (payment(v, a, &inv, out, &paid, err) != 0)
		return -1;
	if (bolt11_check_payable(&inv, net, now_s, &why) != 0) {
		json_set_bool(out, "payable", false);
		json_set_str(out, "reason", why.msg);
	} else {
		json_set_bool(out, "payable", !paid);
		if (paid)
			json_set_str(out, "reason", "this wallet has paid it");
	}
	*ret = out;
	return 0;
}
