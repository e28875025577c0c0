#include "rails/ark/ln.h"

#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define NONE UINT64_MAX

static const struct {
	uint64_t invoice, user; /* msat and sat */
	uint64_t pays;          /* or NONE: refused */
} invoices[] = {
	{ 1000, NONE, 1 },  { 1001, NONE, 2 }, { 1, NONE, 1 },    { 0, NONE, NONE }, { NONE, NONE, NONE },
	{ NONE, 21, 21 },   { NONE, 0, NONE }, { 5000, 4, NONE }, { 5000, 5, 5 },    { 5000, 10, 10 },
	{ 5000, 11, NONE }, { 5001, 5, NONE }, { 5001, 12, 12 },  { 0, 0, NONE },    { AMOUNT_MAX, AMOUNT_MAX, NONE },
};

START_TEST(invoice_amounts)
{
	struct msat invoice = { invoices[_i].invoice };
	struct sat user = { invoices[_i].user }, pays = { 77 };
	int rc = ark_ln_invoice_amount(invoice.v != NONE ? &invoice : NULL, user.v != NONE ? &user : NULL, &pays,
				       &rerr);

	if (invoices[_i].pays == NONE) {
		ck_fails(rc, ERR_PARAM);
		ck_assert_str_eq(rerr.field, "amount");
		ck_assert_uint_eq(pays.v, 77);
	} else {
		ck_ok(rc);
		ck_assert_uint_eq(pays.v, invoices[_i].pays);
	}
}
END_TEST

START_TEST(offer_amounts)
{
	struct msat offer = { 2001 };
	struct sat user = { 1 }, nothing = { 0 }, pays;

	ck_ok(ark_ln_offer_amount(&offer, &user, &pays, &rerr));
	ck_assert_uint_eq(pays.v, 1);
	ck_ok(ark_ln_offer_amount(&offer, NULL, &pays, &rerr));
	ck_assert_uint_eq(pays.v, 3);
	ck_ok(ark_ln_offer_amount(NULL, &user, &pays, &rerr));
	ck_assert_uint_eq(pays.v, 1);
	ck_fails(ark_ln_offer_amount(NULL, NULL, &pays, &rerr), ERR_PARAM);
	ck_fails(ark_ln_offer_amount(&offer, &nothing, &pays, &rerr), ERR_PARAM);
	ck_ok(ark_ln_offer_invoice_check((struct msat){ 3000 }, (struct sat){ 3 }, &rerr));
	ck_fails(ark_ln_offer_invoice_check((struct msat){ 3001 }, (struct sat){ 3 }, &rerr), ERR_PEER_INVALID);
	ck_fails(ark_ln_offer_invoice_check((struct msat){ 2999 }, (struct sat){ 3 }, &rerr), ERR_PEER_INVALID);
	/* 2^64 / 1000, rounded up: a product that wraps to 384. */
	ck_fails(ark_ln_offer_invoice_check((struct msat){ 384 }, (struct sat){ 18446744073709552 }, &rerr),
		 ERR_PEER_INVALID);
}
END_TEST

START_TEST(preimages)
{
	struct secret a, b;
	struct hash32 hash;

	ark_preimage_new(&a);
	ark_preimage_new(&b);
	ck_assert_mem_ne(a.b, b.b, 32);
	ark_preimage_hash(&a, &hash);
	ck_assert(ark_preimage_opens(&a, &hash));
	ck_assert(!ark_preimage_opens(&b, &hash));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/ln");
	TCase *c = rails_case(s, "ln");

	tcase_add_loop_test(c, invoice_amounts, 0, ARRAY_LEN(invoices));
	tcase_add_test(c, offer_amounts);
	tcase_add_test(c, preimages);
	return suite_run(s);
}
