/* Vectors: tests/vectors/onchain/bip433-p2a.json (BIP433's own). */
#include "rails/bitcoin/policy.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define H20 "751e76e8199196d454941c45d1b3a323f1433bd6"
#define H32 "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static struct bytes from_hex(const char *text)
{
	struct bytes v;

	ck_assert_msg(hex_decode_any(&ra, text, 65536, &v), "%s", text);
	return v;
}

static const struct {
	const char *script;
	uint64_t dust;
} limits[] = {
	{ "5120" H32, 330 },
	{ "0014" H20, 294 },
	{ "0020" H32, 330 },
	{ "76a914" H20 "88ac", 546 },
	{ "a914" H20 "87", 540 },
	{ "51024e73", 240 },
	{ "6a0401020304", 0 },
	{ "6002751e", 240 },
	{ "21"
	  "02" H32 "ac",
	  576 },
};

START_TEST(dust)
{
	struct tx_out out = { .script = from_hex(limits[_i].script) };

	ck_assert_uint_eq(policy_dust(out.script).v, limits[_i].dust);
	out.value.v = limits[_i].dust;
	ck_assert(!policy_is_dust(&out));
	if (limits[_i].dust > 0) {
		out.value.v--;
		ck_assert(policy_is_dust(&out));
	}
}
END_TEST

START_TEST(dust_of_an_anchor)
{
	json_t *v = vectors_load("onchain/bip433-p2a.json");

	ck_assert_uint_eq(policy_dust(vec_hex(v, "script_pubkey")).v, vec_u64(v, "dust_threshold_sat"));
}
END_TEST

static struct tx make(uint32_t version, size_t n_in, size_t n_out)
{
	struct tx tx = { .version = version, .n_in = n_in, .n_out = n_out };

	tx.in = ARENA_ARRAY(&ra, n_in, struct tx_in);
	tx.out = ARENA_ARRAY(&ra, n_out, struct tx_out);
	for (size_t i = 0; i < n_in; i++)
		tx.in[i].prevout.vout = (uint32_t)i;
	for (size_t i = 0; i < n_out; i++)
		tx.out[i] = (struct tx_out){ { 1000 }, from_hex("5120" H32) };
	return tx;
}

static const struct {
	const char *name, *script;
	uint64_t value, fee;
	enum err_code why;
} outputs[] = {
	{ "plain", "5120" H32, 330, 100, ERR_NONE },
	{ "dust", "5120" H32, 329, 100, ERR_DUST },
	{ "dust, and no fee", "5120" H32, 329, 0, ERR_NONE },
	{ "an empty anchor, and no fee", "51024e73", 0, 0, ERR_NONE },
	{ "an empty anchor", "51024e73", 0, 1, ERR_DUST },
	{ "an anchor worth something", "51024e73", 240, 1, ERR_NONE },
	{ "data", "6a0401020304", 0, 1, ERR_NONE },
	{ "bare multisig, or whatever it is", "5121" H32 "51ae", 10000, 1, ERR_UNSUPPORTED },
	{ "a future witness version", "5220" H32, 10000, 1, ERR_NONE },
};

START_TEST(outputs_that_are_relayed)
{
	struct tx tx = make(2, 1, 2);
	int rc;

	tx.out[1] = (struct tx_out){ { outputs[_i].value }, from_hex(outputs[_i].script) };
	rc = policy_check(&tx, (struct sat){ outputs[_i].fee }, &rerr);
	if (outputs[_i].why == ERR_NONE)
		ck_ok(rc);
	else
		ck_fails(rc, outputs[_i].why);
}
END_TEST

START_TEST(two_dust_outputs)
{
	struct tx tx = make(3, 1, 3);

	tx.out[0].value.v = 1;
	ck_ok(policy_check(&tx, (struct sat){ 0 }, &rerr));
	tx.out[2].value.v = 1;
	ck_fails(policy_check(&tx, (struct sat){ 0 }, &rerr), ERR_DUST);
}
END_TEST

START_TEST(data_of_one_output)
{
	struct tx tx = make(2, 1, 2);
	SCOPED(buf) struct buf b = BUF_CAP(100);
	static const uint8_t data[82];

	script_op_return(&b, (struct bytes){ data, 80 });
	ck_assert_uint_eq(b.n, 83);
	tx.out[0] = (struct tx_out){ { 0 }, buf_bytes(&b) };
	ck_ok(policy_check(&tx, (struct sat){ 1 }, &rerr));
	tx.out[1] = tx.out[0];
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_UNSUPPORTED);
	tx = make(2, 1, 1);
	buf_reset(&b);
	script_op_return(&b, (struct bytes){ data, 81 });
	tx.out[0] = (struct tx_out){ { 0 }, buf_bytes(&b) };
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_UNSUPPORTED);
}
END_TEST

START_TEST(versions_and_sizes)
{
	struct tx tx = make(2, 1, 1);
	static const uint8_t pushes[POLICY_SCRIPT_SIG_MAX + 1], not_push[] = { OP_DUP };

	ck_ok(policy_check(&tx, (struct sat){ 1 }, &rerr));
	tx.version = 0;
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_UNSUPPORTED);
	tx.version = 4;
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_UNSUPPORTED);
	tx.version = 1;
	tx.in[0].script_sig = (struct bytes){ pushes, POLICY_SCRIPT_SIG_MAX };
	ck_ok(policy_check(&tx, (struct sat){ 1 }, &rerr));
	tx.in[0].script_sig.n++;
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_UNSUPPORTED);
	tx.in[0].script_sig = (struct bytes){ not_push, 1 };
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_UNSUPPORTED);
	/* 64 bytes without a witness: the size of two hashes in a block's tree */
	tx = make(2, 1, 1);
	tx.out[0] = (struct tx_out){ { 1000 }, from_hex("6a03000000") };
	ck_assert_uint_eq(tx_size_legacy(&tx), 65);
	ck_ok(policy_check(&tx, (struct sat){ 1 }, &rerr));
	tx.out[0].script = from_hex("6a020000");
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_RANGE);
	/* 40 + 164 n + 172: the last that fits */
	tx = make(3, 242, 1);
	ck_assert_uint_eq(tx_weight(&tx).v, 39900);
	ck_ok(policy_check(&tx, (struct sat){ 1 }, &rerr));
	tx = make(3, 243, 1);
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_RANGE);
	tx.version = 2;
	ck_ok(policy_check(&tx, (struct sat){ 1 }, &rerr));
	tx = make(2, 2440, 1);
	ck_fails(policy_check(&tx, (struct sat){ 1 }, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(anchors_are_found)
{
	struct tx tx = make(3, 1, 3);

	ck_assert_uint_eq(policy_find_anchor(&tx), 3);
	tx.out[2].script = from_hex("51024e73");
	ck_assert_uint_eq(policy_find_anchor(&tx), 2);
	tx.out[0].script = from_hex("51024e73");
	ck_assert_uint_eq(policy_find_anchor(&tx), 0);
}
END_TEST

/* An exit transaction and the child that pays for it. */
struct family {
	struct tx parent, child;
	struct policy_package p;
};

static struct family *family(void)
{
	struct family *f = ARENA_NEW(&ra, struct family);

	f->parent = make(3, 1, 2);
	f->child = make(3, 2, 1);
	f->parent.out[1] = (struct tx_out){ { 0 }, from_hex("51024e73") };
	f->child.in[0].prevout = (struct outpoint){ tx_txid(&f->parent), 1 };
	f->p = (struct policy_package){ &f->parent, &f->child, { 0 }, { 277 } };
	return f;
}

START_TEST(packages)
{
	struct family *f = family();

	ck_ok(policy_check_package(&f->p, &rerr));
	ck_assert_uint_eq(policy_package_weight(&f->p).v, tx_weight(&f->parent).v + tx_weight(&f->child).v);
}
END_TEST

static void leave_the_anchor(struct family *f)
{
	f->child.in[0].prevout.vout = 0;
}

static void spend_another(struct family *f)
{
	f->child.in[0].prevout.txid.b[0] ^= 1;
}

static void child_not_truc(struct family *f)
{
	f->child.version = 2;
}

static void parent_pays(struct family *f)
{
	f->p.parent_fee.v = 1;
}

static void child_has_dust(struct family *f)
{
	f->child.out[0].value.v = 1;
	f->p.child_fee.v = 0;
}

static void child_unknown(struct family *f)
{
	f->child.version = 4;
}

static void parent_unknown(struct family *f)
{
	f->parent.version = f->child.version = 4;
}

/* 40 + 164 n + 172 */
static void child_too_large(struct family *f)
{
	struct outpoint anchor = f->child.in[0].prevout;

	f->child = make(3, 24, 1);
	f->child.in[0].prevout = anchor;
}

static void child_just_fits(struct family *f)
{
	child_too_large(f);
	f->child.n_in = 23;
}

static const struct {
	void (*change)(struct family *f);
	enum err_code why;
} changes[] = {
	{ leave_the_anchor, ERR_DUST },     { spend_another, ERR_UNSUPPORTED }, { child_not_truc, ERR_UNSUPPORTED },
	{ parent_pays, ERR_DUST },          { child_has_dust, ERR_DUST },       { parent_unknown, ERR_UNSUPPORTED },
	{ child_unknown, ERR_UNSUPPORTED }, { child_too_large, ERR_RANGE },     { child_just_fits, ERR_NONE },
};

START_TEST(packages_that_are_not_relayed)
{
	struct family *f = family();
	int rc;

	changes[_i].change(f);
	rc = policy_check_package(&f->p, &rerr);
	if (changes[_i].why == ERR_NONE)
		ck_ok(rc);
	else
		ck_fails(rc, changes[_i].why);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/policy");
	TCase *c = rails_case(s, "policy");

	tcase_add_loop_test(c, dust, 0, ARRAY_LEN(limits));
	tcase_add_test(c, dust_of_an_anchor);
	tcase_add_loop_test(c, outputs_that_are_relayed, 0, ARRAY_LEN(outputs));
	tcase_add_test(c, two_dust_outputs);
	tcase_add_test(c, data_of_one_output);
	tcase_add_test(c, versions_and_sizes);
	tcase_add_test(c, anchors_are_found);
	tcase_add_test(c, packages);
	tcase_add_loop_test(c, packages_that_are_not_relayed, 0, ARRAY_LEN(changes));
	return suite_run(s);
}
