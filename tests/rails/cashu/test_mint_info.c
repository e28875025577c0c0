#include "rails/cashu/mint_info.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const char full[] =
	"{\"name\":\"Bob's \xc3\xa9 mint\",\"version\":\"Nutshell/0.20.3\",\"pubkey\":\"02\",\"contact\":[],\"motd\":null,"
	"\"nuts\":{\"4\":{\"methods\":["
	"{\"method\":\"bolt11\",\"unit\":\"sat\",\"min_amount\":1,\"max_amount\":500000,\"options\":{\"description\":true}},"
	"{\"method\":\"bolt11\",\"unit\":\"usd\",\"min_amount\":null},{\"method\":\"bolt12\",\"unit\":\"sat\"}],\"disabled\":false},"
	"\"5\":{\"methods\":[{\"method\":\"bolt11\",\"unit\":\"sat\",\"min_amount\":100,\"options\":{\"amountless\":true}},"
	"{\"method\":\"bolt11\",\"unit\":\"usd\",\"max_amount\":9}],\"disabled\":false},\"7\":{\"supported\":true},\"8\":{\"supported\":true},\"9\":{\"supported\":true},"
	"\"10\":{\"supported\":true},\"11\":{\"supported\":true},\"12\":{\"supported\":true},\"14\":{\"supported\":true},\"17\":{\"supported\":[{\"method\":\"bolt11\",\"unit\":\"sat\",\"commands\":[\"x\"]}]},"
	"\"19\":{\"ttl\":60,\"cached_endpoints\":[{\"method\":\"POST\",\"path\":\"/v1/mint/bolt11\"},"
	"{\"method\":\"POST\",\"path\":\"/v1/swap\"},{\"method\":\"POST\",\"path\":\"/v1/melt/bolt11\"}]},"
	"\"20\":{\"supported\":true},\"29\":{\"max_batch_size\":100,\"methods\":[\"bolt12\",\"bolt11\"]},\"9999\":[]}}";

START_TEST(all_of_it)
{
	struct net_reply rep = reply_of(200, full);
	const struct mint_method *m;
	struct currency sat, usd, eur;
	struct mint_info info;

	ck_assert(currency_parse("sat", &sat) && currency_parse("usd", &usd) && currency_parse("eur", &eur));
	ck_ok(mint_info_decode(&ra, &rep, &info, &rerr));
	ck_assert_str_eq(info.name, "Bob's ?? mint");
	ck_assert_str_eq(info.version, "Nutshell/0.20.3");
	ck_assert(info.state_check && info.restore && info.dleq && info.quote_lock && !info.issue_disabled);
	ck_assert(info.caches_swap && info.caches_issue && info.caches_melt && info.p2pk && info.htlc);
	ck_assert_int_eq(info.cache_ttl_s, 60);
	ck_assert(info.batch_bolt11 && info.batch_max == 100);
	ck_assert_uint_eq(info.n_issue_bolt11, 2);
	m = mint_info_issue_method(&info, sat);
	ck_assert_ptr_nonnull(m);
	ck_assert(m->min == 1 && m->max == 500000);
	m = mint_info_issue_method(&info, usd);
	ck_assert_ptr_nonnull(m);
	ck_assert(m->min == 0 && m->max == AMOUNT_MAX);
	ck_assert_ptr_null(mint_info_issue_method(&info, eur));
	m = mint_info_melt_method(&info, sat);
	ck_assert_ptr_nonnull(m);
	ck_assert(m->min == 100 && m->max == AMOUNT_MAX && m->amountless);
	m = mint_info_melt_method(&info, usd);
	ck_assert_ptr_nonnull(m);
	ck_assert(m->min == 0 && m->max == 9 && !m->amountless);
	ck_assert_ptr_null(mint_info_melt_method(&info, eur));
	info.melt_disabled = true;
	ck_assert_ptr_null(mint_info_melt_method(&info, sat));
	info.issue_disabled = true;
	ck_assert_ptr_null(mint_info_issue_method(&info, sat));
	ck_ok(mint_info_parse(&ra, bytes_of(full), &info, &rerr));
	ck_assert(info.dleq);
}
END_TEST

/* What is not as it should be counts as not there. */
static const char *const odd[] = {
	"{\"nuts\":{}}",
	"{\"name\":7,\"version\":[],\"nuts\":{}}",
	"{\"nuts\":{\"4\":1,\"7\":true,\"9\":{\"supported\":1},\"12\":{\"supported\":\"true\"},\"19\":[],\"20\":{\"supported\":null}}}",
	/* one of two that go together */
	"{\"nuts\":{\"11\":{\"supported\":true},\"14\":{\"supported\":true},\"29\":{\"methods\":[\"bolt12\",7]}}}",
	"{\"nuts\":{\"10\":{\"supported\":true},\"29\":[],\"5\":{\"methods\":7}}}",
	"{\"nuts\":{\"4\":{\"methods\":{}},\"19\":{\"cached_endpoints\":7}}}",
	"{\"nuts\":{\"4\":{\"methods\":[1,[],{},{\"method\":\"bolt11\"},{\"method\":\"bolt11\",\"unit\":7},"
	"{\"method\":\"bolt11\",\"unit\":\"sat\",\"min_amount\":-1},{\"method\":\"bolt11\",\"unit\":\"sat\",\"max_amount\":1.5},"
	"{\"method\":\"bolt11\",\"unit\":\"not a unit at all\"}]},"
	"\"19\":{\"ttl\":60,\"cached_endpoints\":[1,{},{\"method\":\"GET\",\"path\":\"/v1/swap\"},{\"method\":\"POST\",\"path\":7},"
	"{\"method\":\"POST\",\"path\":\"/v1/keys\"}]}}}",
};

START_TEST(what_is_odd_is_not_offered)
{
	struct net_reply rep = reply_of(200, odd[_i]);
	struct mint_info info;

	ck_ok(mint_info_decode(&ra, &rep, &info, &rerr));
	ck_assert_str_eq(info.name, "");
	ck_assert_str_eq(info.version, "");
	ck_assert(!info.state_check && !info.restore && !info.dleq && !info.quote_lock);
	ck_assert(!info.caches_swap && !info.caches_issue && !info.caches_melt && info.cache_ttl_s == 0);
	ck_assert(!info.p2pk && !info.htlc && !info.batch_bolt11 && info.batch_max == CASHU_LIST_MAX);
	ck_assert_uint_eq(info.n_issue_bolt11, 0);
	ck_assert_uint_eq(info.n_melt_bolt11, 0);
}
END_TEST

static const struct {
	const char *ttl;
	int64_t is;
} ttls[] = { { "null", -1 }, { "0", 0 }, { "60", 60 }, { "-5", -1 }, { "\"60\"", -1 } };

START_TEST(how_long_answers_are_kept)
{
	struct mint_info info;

	ck_ok(mint_info_parse(
		&ra,
		bytes_of(arena_printf(&ra,
				      "{\"nuts\":{\"19\":{\"ttl\":%s,\"cached_endpoints\":[{\"method\":\"POST\","
				      "\"path\":\"/v1/swap\"}]}}}",
				      ttls[_i].ttl)),
		&info, &rerr));
	ck_assert_int_eq(info.cache_ttl_s, ttls[_i].is);
	ck_assert(info.caches_swap && !info.caches_issue);
}
END_TEST

static const struct {
	const char *nut29;
	bool bolt11;
	size_t max;
} batches[] = {
	{ "{}", true, CASHU_LIST_MAX },
	{ "{\"max_batch_size\":7,\"methods\":null}", true, 7 },
	{ "{\"max_batch_size\":100000,\"methods\":[]}", false, CASHU_LIST_MAX },
	{ "{\"max_batch_size\":-1,\"methods\":[\"bolt11\"]}", true, CASHU_LIST_MAX },
};

START_TEST(batches_of_quotes)
{
	struct mint_info info;

	ck_ok(mint_info_parse(&ra, bytes_of(arena_printf(&ra, "{\"nuts\":{\"29\":%s}}", batches[_i].nut29)), &info,
			      &rerr));
	ck_assert(info.batch_bolt11 == batches[_i].bolt11);
	ck_assert_uint_eq(info.batch_max, batches[_i].max);
}
END_TEST

START_TEST(not_information)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"nuts\":[]}", "{\"nuts\":null}", "<html>" };
	struct mint_info info;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct net_reply rep = reply_of(200, bad[i]);

		ck_fails(mint_info_decode(&ra, &rep, &info, &rerr), ERR_PEER_INVALID);
	}
	ck_fails(mint_info_parse(&ra, bytes_of("[]"), &info, &rerr), ERR_PARSE);
	ck_fails(mint_info_parse(&ra, bytes_of("{"), &info, &rerr), ERR_PARSE);
}
END_TEST

START_TEST(long_names_and_many_methods)
{
	SCOPED(buf) struct buf b = BUF_CAP(64 * 1024);
	struct mint_info info;

	buf_printf(&b, "{\"name\":\"%0*d\",\"nuts\":{\"4\":{\"methods\":[", 5000, 0);
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&b, "%s{\"method\":\"bolt11\",\"unit\":\"u%u\"}", i > 0 ? "," : "", i);
	buf_text_add(&b, "]}}}");
	ck_ok(mint_info_parse(&ra, buf_bytes(&b), &info, &rerr));
	ck_assert_uint_eq(strlen(info.name), MINT_NAME_MAX);
	ck_assert_uint_eq(info.n_issue_bolt11, MINT_METHODS_MAX);
}
END_TEST

START_TEST(request)
{
	struct net_request req;

	mint_info_request(&ra, "https://mint.example/x", &req);
	ck_assert_str_eq(req.method, "GET");
	ck_assert_str_eq(req.url, "https://mint.example/x/v1/info");
	ck_assert(!req.changes_state);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/mint_info");
	TCase *c = rails_case(s, "mint_info");

	tcase_add_test(c, all_of_it);
	tcase_add_loop_test(c, what_is_odd_is_not_offered, 0, ARRAY_LEN(odd));
	tcase_add_loop_test(c, how_long_answers_are_kept, 0, ARRAY_LEN(ttls));
	tcase_add_loop_test(c, batches_of_quotes, 0, ARRAY_LEN(batches));
	tcase_add_test(c, not_information);
	tcase_add_test(c, long_names_and_many_methods);
	tcase_add_test(c, request);
	return suite_run(s);
}
