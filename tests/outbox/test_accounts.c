/* Signers and relayers: locked and unlocked, from the wallet and from files, missing, wrong, exchanged (spec/outbox.md 3.2,
 * 4.1).  The key file is vectors/outbox/keystore_v3.json, whose key is the wallet's own signer 0; another one is made of it. */
#include <string.h>

#include "base/cipher.h"
#include "base/clock.h"
#include "base/text.h"
#include "outbox/internal.h"
#include "rails/evm/address.h"
#include "rails/evm/keccak.h"
#include "rails/keys/keyring.h"
#include "tests/support/outbox_drive.h"
#include "tests/support/suite.h"

#define SIGNER_0 "0x6b7d98d0c96004F367468f2aC37dBF6E660e8A0F"

static struct err e, *err = &e;

/* --- key files --- */

static struct arena texts; /* of the files: they outlive a world */

static struct file {
	const char *name, *json, *password;
	enum err_code trouble; /* instead */
	unsigned read;
} files[3];

static const char *file_text(const char *ciphertext, const char *mac)
{
	return arena_printf(
		&texts,
		"{\"version\":3,\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
		"\"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\"},\"ciphertext\":\"%s\",\"kdf\":\"scrypt\",\"kdfparams\":"
		"{\"salt\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"n\":4096,"
		"\"dklen\":32,\"p\":1,\"r\":8},\"mac\":\"%s\"}}",
		ciphertext, mac);
}

static const char *cold_file(void)
{
	return file_text("1a23ee83f91845381d1baeb1737ced8b0ffbea8a8cb338e2da67655188d7c0fc",
			 "20d5cec373812116e77f5d9bdf26020368d12ff8b3625bdb3be10e07e0bb61c0");
}

/* The same with another key in it: in counter mode, its bytes are those of the ciphertext. */
static const char *stranger_file(uint8_t flip)
{
	static const struct scrypt_cost cost = { .n = 4096, .r = 8, .p = 1 };
	char hex[65];
	uint8_t text[32], salt[32];
	struct secret dk;
	struct hash32 mac;
	struct keccak k;

	ck_assert(hex_decode("1a23ee83f91845381d1baeb1737ced8b0ffbea8a8cb338e2da67655188d7c0fc", text, sizeof(text)));
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)i;
	text[31] ^= flip;
	OK(scrypt_stretch(bytes_of("correct horse"), (struct bytes){ salt, sizeof(salt) }, cost, dk.b, sizeof(dk.b),
			  err));
	keccak_init(&k);
	keccak_update(&k, (struct bytes){ dk.b + 16, 16 });
	keccak_update(&k, (struct bytes){ text, sizeof(text) });
	keccak_final(&k, &mac);
	hex_encode(text, sizeof(text), hex);
	return file_text(hex, hex_text(&texts, (struct bytes){ mac.b, sizeof(mac.b) }));
}

static int read_file(void *ctx, const char *name, struct buf *ret_json, struct buf *ret_password, struct err *er)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (!files[i].name || strcmp(files[i].name, name) != 0)
			continue;
		files[i].read++;
		if (files[i].trouble)
			return ERR(er, files[i].trouble, "there is trouble with %s", name);
		buf_text_add(ret_json, files[i].json);
		buf_text_add(ret_password, files[i].password ? files[i].password : "correct horse");
		return 0;
	}
	return ERR(er, ERR_NOT_FOUND, "there is no key file %s", name);
}

/* --- the world --- */

static void setup(void)
{
	texts = ARENA_LIMIT(64 * 1024);
	outbox_drive_setup();
}

static void teardown(void)
{
	outbox_drive_teardown();
	arena_done(&texts);
}

static struct lane *lane(void)
{
	return outbox_world.ob->chains[0]->lanes[0];
}

static struct space *space(void)
{
	return outbox_world.ob->spaces[0];
}

static void lane_waits(enum hold why)
{
	ck_assert_str_eq(hold_name(lane()->hold), hold_name(why));
}

static void space_waits(enum hold why)
{
	ck_assert_str_eq(hold_name(space()->hold), hold_name(why));
}

/* Signer and relayer from files, and the wallet locked for ever. */
static void with_files(void)
{
	static const char *const relayers[] = { "file:hot" };

	memset(files, 0, sizeof(files));
	files[0] = (struct file){ .name = "cold", .json = cold_file() };
	files[1] = (struct file){ .name = "hot", .json = stranger_file(1) };
	outbox_world.opt.read_key_file = read_file;
	outbox_world.spaces[0].signer = "file:cold";
	outbox_world.chain.relayers = relayers;
	outbox_world.chain.n_relayers = 1;
	outbox_world.locked = true;
}

/* As on a first start. */
static void fresh(void)
{
	outbox_world_down();
	scratch_close(&outbox_world.disk);
	scratch_open(&outbox_world.disk);
	outbox_world_up();
}

static void come_up_fresh(void)
{
	fresh();
	outbox_drive_again();
}

/* --- the wallet --- */

START_TEST(a_new_space_is_not_known_while_the_wallet_is_locked)
{
	struct outbox_append in = outbox_request("one");

	outbox_world.locked = true;
	come_up_fresh();
	ck_assert_int_eq(lane()->id, 0);
	ck_assert_int_eq(space()->id, 0);
	lane_waits(HOLD_SIGNER_LOCKED);
	space_waits(HOLD_SIGNER_LOCKED);
	ck_assert_str_eq(lane()->hold_text, "");
	(void)outbox_world_append_fails(&in, ERR_WALLET_LOCKED, "");
	outbox_set_keys(outbox_world.ob, outbox_world.keys);
	ck_assert_int_ne(lane()->id, 0);
	outbox_turns(2);
	lane_waits(HOLD_NONE);
	space_waits(HOLD_NONE);
	outbox_submitted("one");
}
END_TEST

START_TEST(what_was_known_once_accepts_while_the_wallet_is_locked)
{
	struct evm_address signer = outbox_address(SIGNER_0);

	outbox_world.locked = true;
	outbox_drive_again();
	ck_assert(evm_address_equal(&space()->signer, &signer));
	lane_waits(HOLD_SIGNER_LOCKED);
	outbox_add("one");
	outbox_turns(3);
	IS("one", DELIVERY_PENDING);
	ck_assert_uint_eq(outbox_world_row("one").attempts, 0);
	outbox_set_keys(outbox_world.ob, outbox_world.keys);
	outbox_turns(2);
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

/* Rows of lanes and spaces are written when there is news of them. */
START_TEST(an_idle_run_writes_nothing)
{
	struct store_stats before, after;

	store_stats(outbox_world.disk.store, &before);
	for (int i = 0; i < 5; i++)
		outbox_pass(5000);
	store_stats(outbox_world.disk.store, &after);
	ck_assert_uint_le(after.units - before.units, 1 + 5); /* the look at the account, and the sweep of each run */
}
END_TEST

START_TEST(the_seed_of_another_wallet)
{
	static const char other[] = "legal winner thank year wave sausage worth useful legal winner thank yellow";
	struct keyring *own = outbox_world.keys;
	struct mnemonic words;

	OK(mnemonic_parse(other, &words, err));
	outbox_world.keys = keyring_new(&words, "", err);
	log_set_level(NULL, (enum log_level)0);
	outbox_drive_again();
	lane_waits(HOLD_KEY_MISMATCH);
	space_waits(HOLD_KEY_MISMATCH);
	ck_assert_ptr_nonnull(strstr(space()->hold_text, SIGNER_0));
	outbox_add("one"); /* to be accepted needs no key */
	outbox_turns(3);
	IS("one", DELIVERY_PENDING);
	outbox_set_keys(outbox_world.ob, NULL);
	keyring_free(outbox_world.keys);
	outbox_world.keys = own;
	outbox_set_keys(outbox_world.ob, own);
	outbox_turns(3);
	IS("one", DELIVERY_SUBMITTED);
}
END_TEST

/* --- files --- */

START_TEST(keys_from_files_need_no_wallet)
{
	struct evm_address signer = outbox_address(SIGNER_0);

	with_files();
	come_up_fresh();
	ck_assert(evm_address_equal(&space()->signer, &signer));
	ck_assert(!evm_address_equal(&lane()->address, &signer));
	outbox_submitted("one");
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	outbox_pass(60000);
	ck_assert_uint_eq(files[0].read, 2); /* once for each time that it came up */
}
END_TEST

START_TEST(a_file_that_comes_later)
{
	with_files();
	files[0].trouble = ERR_NOT_FOUND;
	log_set_level(NULL, (enum log_level)0);
	come_up_fresh();
	space_waits(HOLD_SIGNER_LOCKED);
	ck_assert_ptr_nonnull(strstr(space()->hold_text, "cold"));
	ck_assert_int_eq(space()->key.trouble.code, ERR_NOT_FOUND);
	files[0].trouble = ERR_NONE;
	outbox_pass(5000);
	outbox_turn();
	space_waits(HOLD_NONE);
	outbox_submitted("one");
}
END_TEST

static void wrong_password(struct file *f)
{
	f->password = "correct horsf";
}
static void not_json(struct file *f)
{
	f->json = "{";
}
static void unreadable(struct file *f)
{
	f->trouble = ERR_IO;
}

static const struct {
	void (*cause)(struct file *f);
	enum err_code code;
} no_good[] = { { wrong_password, ERR_PASSPHRASE }, { not_json, ERR_PARSE }, { unreadable, ERR_IO } };

/* To try costs a second of the loop's time: not at every run. */
START_TEST(a_file_that_is_no_good_is_tried_now_and_then)
{
	unsigned was;

	with_files();
	log_set_level(NULL, (enum log_level)0);
	no_good[_i].cause(&files[1]);
	come_up_fresh();
	lane_waits(HOLD_SIGNER_LOCKED);
	ck_assert_str_eq(err_kind(lane()->key.trouble.code), err_kind(no_good[_i].code));
	was = files[1].read;
	for (int i = 0; i < 5; i++)
		outbox_pass(5000);
	ck_assert_uint_eq(files[1].read, was);
	outbox_pass(6000);
	ck_assert_uint_eq(files[1].read, was + 1);
	files[1] = (struct file){ .name = "hot", .json = stranger_file(1) };
	outbox_pass(31000);
	outbox_turn();
	lane_waits(HOLD_NONE);
}
END_TEST

/* The row stays whose it was, and nothing is signed by the stranger: not the directive, no transaction, and no replacement. */
START_TEST(a_file_that_was_exchanged)
{
	struct evm_address signer, relayer;
	struct attempt_row *rows;
	size_t n;

	with_files();
	log_set_level(NULL, (enum log_level)0);
	come_up_fresh();
	outbox_submitted("one");
	signer = space()->signer;
	relayer = lane()->address;
	files[_i].json = stranger_file(7);
	outbox_drive_again();
	if (_i == 0)
		space_waits(HOLD_KEY_MISMATCH);
	else
		lane_waits(HOLD_KEY_MISMATCH);
	ck_assert(evm_address_equal(&signer, &space()->signer));
	ck_assert(evm_address_equal(&relayer, &lane()->address));
	ck_assert_ptr_null(_i == 0 ? space()->key.key : lane()->key.key);
	outbox_add("two");
	evm_chain_set_base_fee(outbox_drive.chain, 50); /* a replacement would be due */
	outbox_pass(31000);
	outbox_turns(2);
	IS("two", DELIVERY_PENDING);
	ck_assert_uint_eq(evm_chain_pooled(outbox_drive.chain, NULL), evm_chain_pooled(outbox_drive.chain, &relayer));
	OK(attempt_store_list(store_view(outbox_world.disk.store), &outbox_world.arena, outbox_slot(0).id, &rows, &n,
			      err));
	ck_assert_uint_eq(n, _i == 0 ? 2 : 1); /* the relayer's own key may bid more for it */
	/* The right one is back. */
	files[0].json = cold_file();
	files[1].json = stranger_file(1);
	outbox_pass(31000);
	outbox_turns(2);
	outbox_pass(31000);
	outbox_turns(2);
	IS("two", DELIVERY_SUBMITTED);
	outbox_block();
	outbox_pass(31000);
	outbox_block();
	IS("one", DELIVERY_CONFIRMED);
	IS("two", DELIVERY_CONFIRMED);
}
END_TEST

/* --- what cannot be --- */

static void space_of_no_chain(struct outbox_options *opt)
{
	outbox_world.spaces[0].chain_id = 5;
	(void)opt;
}
static void the_same_space(struct outbox_options *opt)
{
	outbox_world.spaces[1] = outbox_world.spaces[0];
	opt->n_spaces = 2;
}
static void the_same_chain(struct outbox_options *opt)
{
	static struct outbox_chain_config twice[2];

	twice[0] = twice[1] = outbox_world.chain;
	opt->chains = twice;
	opt->n_chains = 2;
}
static void no_lane(struct outbox_options *opt)
{
	outbox_world.chain.lanes = 0;
	(void)opt;
}
static void too_many_lanes(struct outbox_options *opt)
{
	outbox_world.chain.lanes = 65;
	(void)opt;
}
static void the_same_relayer(struct outbox_options *opt)
{
	static const char *const relayers[] = { "hd:1", "hd:1" };

	outbox_world.chain.relayers = relayers;
	outbox_world.chain.n_relayers = 2;
	(void)opt;
}
static void no_key(struct outbox_options *opt)
{
	outbox_world.spaces[0].signer = "hd:x";
	(void)opt;
}
static void a_path(struct outbox_options *opt)
{
	outbox_world.spaces[0].signer = "file:../cold";
	(void)opt;
}
static void no_name(struct outbox_options *opt)
{
	outbox_world.spaces[0].signer = "file:";
	(void)opt;
}

static void (*const mistakes[])(struct outbox_options *) = {
	space_of_no_chain, the_same_space, the_same_chain, no_lane, too_many_lanes,
	the_same_relayer,  no_key,         a_path,         no_name
};

START_TEST(a_configuration_that_cannot_be)
{
	struct outbox_options opt = outbox_world.opt;
	struct outbox_chain_config chain = outbox_world.chain;
	struct outbox *ob = NULL;

	mistakes[_i](&opt);
	FAILS(outbox_new(&opt, &ob, err), ERR_CONFIG);
	ck_assert_ptr_null(ob);
	ck_assert_ptr_nonnull(strstr(err->msg, " "));
	outbox_world.chain = chain;
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outbox/accounts");
	TCase *t = tcase_create("wallet"), *f = tcase_create("files"), *c = tcase_create("configuration");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_new_space_is_not_known_while_the_wallet_is_locked);
	tcase_add_test(t, what_was_known_once_accepts_while_the_wallet_is_locked);
	tcase_add_test(t, an_idle_run_writes_nothing);
	tcase_add_test(t, the_seed_of_another_wallet);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(f, setup, teardown);
	tcase_add_test(f, keys_from_files_need_no_wallet);
	tcase_add_test(f, a_file_that_comes_later);
	tcase_add_loop_test(f, a_file_that_is_no_good_is_tried_now_and_then, 0, (int)ARRAY_LEN(no_good));
	tcase_add_loop_test(f, a_file_that_was_exchanged, 0, 2);
	suite_add_tcase(s, f);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_configuration_that_cannot_be, 0, (int)ARRAY_LEN(mistakes));
	suite_add_tcase(s, c);
	return suite_run(s);
}
