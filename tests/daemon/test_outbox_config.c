/* daemon/outbox_config.c: every word of evm_chain and outbox_space arrives where outbox/ looks for it. */
#include "daemon/outbox_config.h"

#include <string.h>

#include "rails/evm/address.h"
#include "tests/support/suite.h"

#define CHECKSUMMED "0x5FbDB2315678afecb367f032d93F642f64180aa3"

static struct arena arena;
static struct config conf;
static struct outbox_options opt;
static struct err err;

static void set_up(void)
{
	arena = ARENA_LIMIT(2 * CONF_ARENA);
	opt = (struct outbox_options){ .n_chains = 99, .shared = true };
	err_clear(&err);
}

static void tear_down(void)
{
	arena_done(&arena);
}

#define FLAGS_MAX 8
#define LIST(...) ((const char *const[FLAGS_MAX]){ __VA_ARGS__ })

static int read_config(const char *const *flags)
{
	char *argv[FLAGS_MAX + 2] = { (char *)"walletd", (char *)"--conf=" };
	enum conf_command command;
	int argc = 2;

	for (; *flags; flags++)
		argv[argc++] = (char *)*flags;
	ck_assert_msg(conf_load(&arena, &(struct conf_input){ argc, argv, (char *[]){ (char *)"HOME=/h", NULL } },
				&command, &conf, &err) == 0,
		      "%s", err.msg);
	return outbox_config_read(&arena, &conf, &opt, &err);
}

START_TEST(test_no_outbox)
{
	ck_assert_int_eq(read_config(LIST(NULL)), 0);
	ck_assert_uint_eq(opt.n_chains, 0);
	ck_assert_uint_eq(opt.n_spaces, 0);
	ck_assert(opt.shared); /* what is not of the configuration stays as it was */
}
END_TEST

START_TEST(test_chains)
{
	const struct outbox_chain_config *c;

	ck_assert_msg(
		read_config(LIST("--evm_chain=1 rpc=https://a/KEY rpc=http://b confirmations=finalized "
				 "relayer=hd:3 relayer=file:hot block_time_ms=2000 max_fee_gwei=90 max_tip_gwei=3",
				 "--evm_chain=1 min_tip_wei=7 max_tx_fee_gwei=11 max_day_fee_gwei=12 batch=1 "
				 "slots=2 log_range=100 nonce_check=required",
				 "--evm_chain=5 rpc=http://c confirmations=12 lanes=4")) == 0,
		"%s", err.msg);
	ck_assert_uint_eq(opt.n_chains, 2);
	c = &opt.chains[0];
	ck_assert_uint_eq(c->chain_id, 1);
	ck_assert_uint_eq(c->n_urls, 2);
	ck_assert_str_eq(c->urls[0], "https://a/KEY");
	ck_assert_str_eq(c->urls[1], "http://b");
	ck_assert_uint_eq(c->confirmations, 0);
	ck_assert_uint_eq(c->n_relayers, 2);
	ck_assert_str_eq(c->relayers[0], "hd:3");
	ck_assert_str_eq(c->relayers[1], "file:hot");
	ck_assert_int_eq(c->block_time_ms, 2000);
	ck_assert_uint_eq(gas_price_value(c->max_fee), UINT64_C(90000000000));
	ck_assert_uint_eq(gas_price_value(c->max_tip), UINT64_C(3000000000));
	ck_assert_uint_eq(gas_price_value(c->min_tip), 7);
	ck_assert_uint_eq(c->max_tx_gwei, 11);
	ck_assert_uint_eq(c->max_day_gwei, 12);
	ck_assert_uint_eq(c->batch_max, 1);
	ck_assert_uint_eq(c->slots_max, 2);
	ck_assert_uint_eq(c->log_range, 100);
	ck_assert(c->nonce_check_required);
	c = &opt.chains[1];
	ck_assert_uint_eq(c->chain_id, 5);
	ck_assert_uint_eq(c->confirmations, 12);
	ck_assert_uint_eq(c->lanes, 4);
	ck_assert_uint_eq(c->n_relayers, 0);
	ck_assert_uint_eq(gas_price_value(c->min_tip), 100000000);
	ck_assert(!c->nonce_check_required);
}
END_TEST

START_TEST(test_highest_prices)
{
	ck_assert_msg(read_config(LIST("--evm_chain=1 rpc=http://a confirmations=1 max_fee_gwei=1000000000 "
				       "max_tip_gwei=1000000000 min_tip_wei=1000000000000000000")) == 0,
		      "%s", err.msg);
	ck_assert_uint_eq(gas_price_value(opt.chains[0].max_fee), UINT64_C(1000000000000000000));
	ck_assert_uint_eq(gas_price_value(opt.chains[0].min_tip), UINT64_C(1000000000000000000));
}
END_TEST

START_TEST(test_spaces)
{
	static const struct {
		const char *words;
		enum space_ordering ordering;
		int release_at;
		bool halt, any;
		uint64_t block;
	} rows[] = {
		{ "", ORDER_ACCOUNT, DELIVERY_SUBMITTED, false, false, 0 },
		{ " ordering=none release_at=submitted", ORDER_NONE, DELIVERY_SUBMITTED, false, false, 0 },
		{ " ordering=account release_at=included halt_on_terminal=1", ORDER_ACCOUNT, DELIVERY_INCLUDED, true,
		  false, 0 },
		{ " ordering=signer release_at=confirmed payload=any deploy_block=123", ORDER_SIGNER,
		  DELIVERY_CONFIRMED, false, true, 123 },
	};
	char text[EVM_ADDRESS_TEXT], flag[256];
	const struct outbox_space_config *s;

	snprintf(flag, sizeof(flag), "--outbox_space=1 contract=%s signer=hd:7%s", CHECKSUMMED, rows[_i].words);
	ck_assert_msg(read_config(LIST("--evm_chain=1 rpc=http://a confirmations=1", flag)) == 0, "%s", err.msg);
	ck_assert_uint_eq(opt.n_spaces, 1);
	s = opt.spaces;
	ck_assert_uint_eq(s->chain_id, 1);
	evm_address_text(&s->contract, text);
	ck_assert_str_eq(text, CHECKSUMMED);
	ck_assert_str_eq(s->signer, "hd:7");
	ck_assert_int_eq(s->ordering, rows[_i].ordering);
	ck_assert_int_eq(s->release_at, rows[_i].release_at);
	ck_assert(s->halt_on_terminal == rows[_i].halt);
	ck_assert(s->any_payload == rows[_i].any);
	ck_assert_uint_eq(s->deploy_block, rows[_i].block);
}
END_TEST

START_TEST(test_wrong_checksum)
{
	ck_assert_int_eq(read_config(LIST("--evm_chain=1 rpc=http://a confirmations=1",
					  "--outbox_space=1 contract=0x5fbDB2315678afecb367f032d93F642f64180aa3 "
					  "signer=hd:0")),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.field, "outbox_space");
	ck_assert_msg(strstr(err.msg, "bad_checksum") != NULL, "%s", err.msg);
}
END_TEST

/* An attempt ends before its claim does, whatever is configured. */
START_TEST(test_times)
{
	static const struct {
		const char *flag;
		int64_t lease_s, attempt_s;
	} rows[] = {
		{ "--outbox_claim_lease_s=420", 420, 300 },
		{ "--outbox_claim_lease_s=86400", 86400, 300 },
		{ "--outbox_claim_lease_s=140", 140, 100 },
		{ "--outbox_claim_lease_s=10", 10, 7 },
	};

	ck_assert_int_eq(read_config(LIST(rows[_i].flag, "--outbox_linger_ms=0", "--outbox_max_open=3")), 0);
	ck_assert_int_eq(opt.claim_lease_s, rows[_i].lease_s);
	ck_assert_int_eq(opt.attempt_limit_s, rows[_i].attempt_s);
	ck_assert_int_eq(opt.linger_ms, 0);
	ck_assert_uint_eq(opt.max_open, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("daemon/outbox_config");
	TCase *t = tcase_create("outbox_config");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_no_outbox);
	tcase_add_test(t, test_chains);
	tcase_add_test(t, test_highest_prices);
	tcase_add_loop_test(t, test_spaces, 0, 4);
	tcase_add_test(t, test_wrong_checksum);
	tcase_add_loop_test(t, test_times, 0, 4);
	suite_add_tcase(s, t);
	return suite_run(s);
}
