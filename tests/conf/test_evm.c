/* conf/evm.c: what operators write about chains and spaces, put together; and that no message or listing tells a key. */
#include "conf/evm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/options.h"
#include "tests/support/suite.h"

#define CONTRACT "0x5FbDB2315678afecb367f032d93F642f64180aa3"
#define NODE     "rpc=http://127.0.0.1:8545"

static struct arena arena;
static struct config conf;
static struct conf_evm_chain *chains;
static struct conf_outbox_space *spaces;
static size_t n_chains, n_spaces;
static struct err err;

static void set_up(void)
{
	arena = ARENA_LIMIT(CONF_ARENA);
	err_clear(&err);
}

static void tear_down(void)
{
	arena_done(&arena);
}

#define FLAGS_MAX 24
#define LIST(...) ((const char *const[FLAGS_MAX]){ __VA_ARGS__ })

static int load(const char *const *flags)
{
	char *argv[FLAGS_MAX + 2] = { (char *)"walletd", (char *)"--conf=" };
	enum conf_command command;
	int argc = 2;

	for (; *flags; flags++)
		argv[argc++] = (char *)*flags;
	return conf_load(&arena, &(struct conf_input){ argc, argv, (char *[]){ (char *)"HOME=/h", NULL } }, &command,
			 &conf, &err);
}

static void load_all(const char *const *flags)
{
	ck_assert_msg(load(flags) == 0, "%s", err.msg);
	ck_assert_msg(conf_evm_chains(&arena, &conf.evm_chain, &chains, &n_chains, &err) == 0, "%s", err.msg);
	ck_assert_msg(conf_outbox_spaces(&arena, &conf.outbox_space, chains, n_chains, &spaces, &n_spaces, &err) == 0,
		      "%s", err.msg);
}

START_TEST(test_nothing)
{
	load_all(LIST(NULL));
	ck_assert_uint_eq(n_chains, 0);
	ck_assert_uint_eq(n_spaces, 0);
	ck_assert_int_eq(conf.outbox_linger_ms, 50);
	ck_assert_int_eq(conf.outbox_claim_lease_s, 420);
	ck_assert_int_eq(conf.outbox_max_open, 5000000);
}
END_TEST

START_TEST(test_chain_defaults)
{
	const struct conf_evm_chain *c;

	load_all(LIST("--evm_chain=31337 " NODE " confirmations=1"));
	ck_assert_uint_eq(n_chains, 1);
	c = chains;
	ck_assert_int_eq(c->chain_id, 31337);
	ck_assert_uint_eq(c->n_rpc, 1);
	ck_assert_str_eq(c->rpc[0], "http://127.0.0.1:8545");
	ck_assert_int_eq(c->confirmations, 1);
	ck_assert_int_eq(c->lanes, 1);
	ck_assert_uint_eq(c->n_relayers, 0);
	ck_assert_int_eq(c->block_time_ms, 12000);
	ck_assert_int_eq(c->max_fee_gwei, 500);
	ck_assert_int_eq(c->max_tip_gwei, 50);
	ck_assert_int_eq(c->min_tip_wei, 100000000);
	ck_assert_int_eq(c->max_tx_fee_gwei, 1000000000);
	ck_assert_int_eq(c->max_day_fee_gwei, 10000000000);
	ck_assert_int_eq(c->batch, 200);
	ck_assert_int_eq(c->slots, 16);
	ck_assert_int_eq(c->log_range, 5000);
	ck_assert_int_eq(c->nonce_check, CONF_NONCE_TRY);
}
END_TEST

START_TEST(test_every_word_of_a_chain)
{
	const struct conf_evm_chain *c;

	load_all(LIST("--evm_chain=1 confirmations=finalized  rpc=https://a/KEY rpc=https://u:p@b relayer=hd:3\t"
		      "relayer=file:hot-1 block_time_ms=2000 max_fee_gwei=90 max_tip_gwei=3 min_tip_wei=7 "
		      "max_tx_fee_gwei=11 max_day_fee_gwei=12 batch=1 slots=2 log_range=100 nonce_check=required"));
	c = chains;
	ck_assert_int_eq(c->confirmations, 0);
	ck_assert_uint_eq(c->n_rpc, 2);
	ck_assert_str_eq(c->rpc[1], "https://u:p@b");
	ck_assert_uint_eq(c->n_relayers, 2);
	ck_assert_str_eq(c->relayers[0], "hd:3");
	ck_assert_str_eq(c->relayers[1], "file:hot-1");
	ck_assert_int_eq(c->block_time_ms, 2000);
	ck_assert_int_eq(c->max_fee_gwei, 90);
	ck_assert_int_eq(c->max_tip_gwei, 3);
	ck_assert_int_eq(c->min_tip_wei, 7);
	ck_assert_int_eq(c->max_tx_fee_gwei, 11);
	ck_assert_int_eq(c->max_day_fee_gwei, 12);
	ck_assert_int_eq(c->batch, 1);
	ck_assert_int_eq(c->slots, 2);
	ck_assert_int_eq(c->log_range, 100);
	ck_assert_int_eq(c->nonce_check, CONF_NONCE_REQUIRED);
}
END_TEST

/* Lines of one chain, in any order and between those of another, are one description. */
START_TEST(test_lines_add_up)
{
	load_all(LIST("--evm_chain=1 rpc=http://a confirmations=12", "--evm_chain=5 rpc=http://c confirmations=2",
		      "--evm_chain=1 rpc=http://b lanes=4 , 5 batch=9"));
	ck_assert_uint_eq(n_chains, 2);
	ck_assert_int_eq(chains[0].chain_id, 1);
	ck_assert_uint_eq(chains[0].n_rpc, 2);
	ck_assert_str_eq(chains[0].rpc[0], "http://a");
	ck_assert_str_eq(chains[0].rpc[1], "http://b");
	ck_assert_int_eq(chains[0].confirmations, 12);
	ck_assert_int_eq(chains[0].lanes, 4);
	ck_assert_int_eq(chains[0].batch, 200);
	ck_assert_int_eq(chains[1].chain_id, 5);
	ck_assert_int_eq(chains[1].batch, 9);
}
END_TEST

START_TEST(test_spaces)
{
	const struct conf_outbox_space *s;

	load_all(LIST("--evm_chain=31337 " NODE " confirmations=1",
		      "--outbox_space=31337 contract=" CONTRACT " signer=hd:0",
		      "--outbox_space=31337 signer=file:cold contract=" CONTRACT " ordering=signer "
		      "release_at=confirmed halt_on_terminal=1 payload=any deploy_block=17"));
	ck_assert_uint_eq(n_spaces, 2);
	s = &spaces[0];
	ck_assert_int_eq(s->chain_id, 31337);
	ck_assert_str_eq(s->contract, CONTRACT);
	ck_assert_str_eq(s->signer, "hd:0");
	ck_assert_int_eq(s->ordering, CONF_ORDER_ACCOUNT);
	ck_assert_int_eq(s->release_at, CONF_RELEASE_SUBMITTED);
	ck_assert_int_eq(s->halt_on_terminal, 0);
	ck_assert_int_eq(s->payload, CONF_PAYLOAD_CHECKED);
	ck_assert_int_eq(s->deploy_block, 0);
	s = &spaces[1];
	ck_assert_str_eq(s->signer, "file:cold");
	ck_assert_int_eq(s->ordering, CONF_ORDER_SIGNER);
	ck_assert_int_eq(s->release_at, CONF_RELEASE_CONFIRMED);
	ck_assert_int_eq(s->halt_on_terminal, 1);
	ck_assert_int_eq(s->payload, CONF_PAYLOAD_ANY);
	ck_assert_int_eq(s->deploy_block, 17);
}
END_TEST

#define GOOD "--evm_chain=1 rpc=http://h confirmations=1"
static const struct refusal {
	const char *flags[3], *says, *field;
} refusals[] = {
	{ { "--evm_chain=mainnet rpc=http://h" }, "does not begin with the number of a chain", "evm_chain" },
	{ { "--evm_chain=0 rpc=http://h" }, "does not begin with the number of a chain", "evm_chain" },
	{ { "--evm_chain=9223372036854775808 rpc=http://h" }, "does not begin with the number", "evm_chain" },
	{ { "--evm_chain=01 rpc=http://h" }, "does not begin with the number of a chain", "evm_chain" },
	{ { "--evm_chain=rpc=http://h" }, "does not begin with the number of a chain", "evm_chain" },
	{ { "--evm_chain=7 confirmations=1" }, "for chain 7 needs an rpc=URL", "evm_chain" },
	{ { "--evm_chain=7 rpc=http://h" }, "for chain 7 needs confirmations=NUMBER", "evm_chain" },
	{ { "--evm_chain=7 rpc=http://h confirmatons=1" },
	  "has the unknown word confirmatons; did you mean confirmations?",
	  "evm_chain" },
	{ { "--evm_chain=7 rpc=http://h zzzzzzzzz=1" }, "has the unknown word zzzzzzzzz", "evm_chain" },
	{ { "--evm_chain=7 rpc=http://h lanes" }, "has the unknown word lanes", "evm_chain" },
	{ { "--evm_chain=7 http://h" }, "holds something that is not word=value", "evm_chain" },
	{ { "--evm_chain=7 rpc=ftp://h" }, "needs rpc to be http://", "evm_chain" },
	{ { "--evm_chain=7 rpc=https://" }, "needs rpc to be http://", "evm_chain" },
	{ { "--evm_chain=7 rpc=https:///path" }, "needs rpc to be http://", "evm_chain" },
	{ { "--evm_chain=7 rpc=http://h rpc=http://h" }, "has the same rpc twice", "evm_chain" },
	{ { "--evm_chain=7 rpc=http://1 rpc=http://2 rpc=http://3 rpc=http://4 rpc=http://5 rpc=http://6 rpc=http://7 "
	    "rpc=http://8 rpc=http://9" },
	  "has more than 8 rpc",
	  "evm_chain" },
	{ { GOOD, "--evm_chain=1 confirmations=2" }, "for chain 1 has confirmations twice", "evm_chain" },
	{ { GOOD, "--evm_chain=1 rpc=http://h" }, "has the same rpc twice", "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=0" },
	  "needs confirmations to be a number from 1 to 10000 or finalized",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=safe" },
	  "needs confirmations to be a number from 1 to 10000 or finalized",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 lanes=65" },
	  "needs lanes to be a whole number from 1 to 64",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 lanes=" }, "needs lanes to be", "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 max_fee_gwei=1.5" },
	  "needs max_fee_gwei to be a whole number",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 nonce_check=maybe" },
	  "needs nonce_check to be one of try|required",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 relayer=0" },
	  "needs relayer to be hd:NUMBER or file:NAME",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 relayer=hd:2147483648" }, "needs relayer to be", "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 relayer=file:../x" }, "needs relayer to be", "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 relayer=file:" }, "needs relayer to be", "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 relayer=hd:1 relayer=hd:1" },
	  "has the relayer hd:1 twice",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 relayer=hd:1", "--evm_chain=1 lanes=2" },
	  "has both lanes and relayers",
	  "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 max_fee_gwei=9" }, "has a max_tip_gwei above", "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 max_tip_gwei=0" }, "has a min_tip_wei above", "evm_chain" },
	{ { "--evm_chain=1 rpc=http://h confirmations=1 max_day_fee_gwei=9" },
	  "has a max_tx_fee_gwei above",
	  "evm_chain" },
	{ { "--outbox_space=1 contract=" CONTRACT " signer=hd:0" },
	  "is on chain 1, of which no evm_chain tells",
	  "outbox_space" },
	{ { GOOD, "--outbox_space=contract=" CONTRACT " signer=hd:0" },
	  "does not begin with the number",
	  "outbox_space" },
	{ { GOOD, "--outbox_space=1 signer=hd:0" }, "needs a contract=0x", "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=" CONTRACT }, "needs a contract=0x", "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=0x5FbD signer=hd:0" },
	  "needs contract to be 0x and 40 hex digits",
	  "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=5FbDB2315678afecb367f032d93F642f64180aa3 signer=hd:0" },
	  "needs contract to be 0x",
	  "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=" CONTRACT " signer=0" }, "needs signer to be hd:NUMBER", "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=" CONTRACT " signer=hd:0 signer=hd:1" },
	  "has signer twice",
	  "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=" CONTRACT " signer=hd:0 orderin=none" },
	  "has the unknown word orderin; did you mean ordering?",
	  "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=" CONTRACT " signer=hd:0 ordering=strict" },
	  "needs ordering to be one of none|account|signer",
	  "outbox_space" },
	{ { GOOD, "--outbox_space=1 contract=" CONTRACT " signer=hd:0 halt_on_terminal=yes" },
	  "needs halt_on_terminal to be a whole number from 0 to 1",
	  "outbox_space" },
	/* The same address, with and without its checksum. */
	{ { GOOD, "--outbox_space=1 contract=" CONTRACT " signer=hd:0",
	    "--outbox_space=1 contract=0x5fbdb2315678afecb367f032d93f642f64180aa3 signer=hd:0" },
	  "has the same chain, contract and signer twice",
	  "outbox_space" },
};

START_TEST(test_refusals)
{
	const struct refusal *r = &refusals[_i];

	ck_assert_msg(load(LIST(r->flags[0], r->flags[1], r->flags[2])) == -1, "%s was taken", r->flags[0]);
	ck_assert_msg(strstr(err.msg, r->says) != NULL, "\"%s\" lacks \"%s\"", err.msg, r->says);
	ck_assert_str_eq(err.field, r->field);
}
END_TEST

START_TEST(test_too_many_chains)
{
	char flags[CONF_EVM_CHAINS_MAX + 1][64];
	const char *list[FLAGS_MAX] = { NULL };

	for (int i = 0; i <= CONF_EVM_CHAINS_MAX; i++) {
		snprintf(flags[i], sizeof(flags[i]), "--evm_chain=%d rpc=http://h confirmations=1", i + 1);
		list[i] = flags[i];
	}
	ck_assert_int_eq(load(list), -1);
	ck_assert(strstr(err.msg, "is of more than 16 chains") != NULL);
}
END_TEST

START_TEST(test_long_entries)
{
	char flag[4096];

	snprintf(flag, sizeof(flag), "--evm_chain=1 confirmations=1 rpc=http://h/%0510d", 0);
	ck_assert_int_eq(load(LIST(flag)), -1);
	ck_assert(strstr(err.msg, "in 512 bytes") != NULL);
	snprintf(flag, sizeof(flag), "--evm_chain=1 confirmations=1 %2040s", NODE);
	ck_assert_int_eq(load(LIST(flag)), -1);
	ck_assert(strstr(err.msg, "is longer than 2048 bytes") != NULL);
}
END_TEST

/* Whatever is wrong beside a key, the key is not repeated. */
static const char *const beside_keys[] = {
	"--evm_chain=x rpc=https://u:hunter2@h/hunter2",
	"--evm_chain=1 rpc=https://u:hunter2@h/hunter2?k=hunter2",
	"--evm_chain=1 https://u:hunter2@h/hunter2?k=hunter2",
	"--evm_chain=1 rpc=wss://u:hunter2@h/hunter2",
	"--evm_chain=1 rpc=https://h/hunter2 rpc=https://h/hunter2",
	"--evm_chain=1 rpc=https://h/hunter2 lanes=0 confirmations=1",
	"--evm_chain=1 confirmations=https://h/hunter2",
	"--evm_chain=1 relayer=https://h/hunter2",
	"--evm_chain=1 nonce_check=https://h/hunter2",
};

START_TEST(test_no_message_tells_a_key)
{
	ck_assert_int_eq(load(LIST(beside_keys[_i])), -1);
	ck_assert_msg(strstr(err.msg, "hunter2") == NULL, "%s", err.msg);
	ck_assert_ptr_null(strstr(err.hint, "hunter2"));
}
END_TEST

START_TEST(test_no_listing_tells_a_key)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(f);
	ck_assert_msg(load(LIST("--evm_chain=1 confirmations=12 rpc=https://u:hunter2@h:1/v2/hunter2, 1 batch=7",
				"--evm_chain=1 rpc=https://g?k=hunter2 max_tip_gwei=2")) == 0,
		      "%s", err.msg);
	options_print_values(f, &conf);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_ptr_null(strstr(text, "hunter2"));
	ck_assert_msg(strstr(text, "\nevm_chain=1 confirmations=12 rpc=https://***@h:1/***,1 batch=7,"
				   "1 rpc=https://g/*** max_tip_gwei=2  # --evm_chain\n") != NULL,
		      "%s", text);
	free(text);
}
END_TEST

/* A file that holds an API key is not for everybody to read. */
START_TEST(test_file_with_a_key_is_private)
{
	static const struct {
		const char *url;
		mode_t mode;
		bool ok;
	} rows[] = {
		{ "http://127.0.0.1:8545", 0644, true }, { "https://h/v2/hunter2", 0644, false },
		{ "https://h/v2/hunter2", 0640, true },  { "https://h?hunter2", 0644, false },
		{ "https://u:hunter2@h", 0644, false },
	};
	char path[] = "/tmp/walletd-evm-XXXXXX", flag[64];
	char *argv[] = { (char *)"walletd", flag };
	enum conf_command command;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(dprintf(fd, "evm_chain=1 confirmations=1 rpc=%s\n", rows[_i].url), 0);
	ck_assert_int_eq(fchmod(fd, rows[_i].mode), 0);
	snprintf(flag, sizeof(flag), "--conf=%s", path);
	ck_assert_int_eq(conf_load(&arena, &(struct conf_input){ 2, argv, (char *[]){ (char *)"HOME=/h", NULL } },
				   &command, &conf, &err),
			 rows[_i].ok ? 0 : -1);
	if (!rows[_i].ok)
		ck_assert(strstr(err.msg, "it holds a password and anybody can read it") != NULL);
	close(fd);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf/evm");
	TCase *t = tcase_create("evm");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_nothing);
	tcase_add_test(t, test_chain_defaults);
	tcase_add_test(t, test_every_word_of_a_chain);
	tcase_add_test(t, test_lines_add_up);
	tcase_add_test(t, test_spaces);
	tcase_add_loop_test(t, test_refusals, 0, ARRAY_LEN(refusals));
	tcase_add_test(t, test_too_many_chains);
	tcase_add_test(t, test_long_entries);
	tcase_add_loop_test(t, test_no_message_tells_a_key, 0, ARRAY_LEN(beside_keys));
	tcase_add_test(t, test_no_listing_tells_a_key);
	tcase_add_loop_test(t, test_file_with_a_key_is_private, 0, 5);
	suite_add_tcase(s, t);
	return suite_run(s);
}
