/* What a source does when backends fail it: nodes that are down, slow, busy, starting, of another network, locked, or that
 * answer with rubbish; and who is asked instead.  spec/exit.md 6.2 and 6.4. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"
#include "chain/breaker.h"
#include "tests/support/chain_world.h"
#include "tests/support/fake_bitcoind.h"
#include "tests/support/suite.h"

#define GENESIS "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
#define OTHER   "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"
#define TXID    "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

static const char tx_hex[] =
	"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
	"696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f7574"
	"20666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea"
	"1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";

static struct fake_bitcoind *a, *b;
static struct chain_stats st;

static void setup(void)
{
	(void)signal(SIGPIPE, SIG_IGN); /* as the daemon does: a peer that is cut off in the middle of 40 MB */
	chain_world_setup();
	a = fake_bitcoind_new(cw.loop);
	b = fake_bitcoind_new(cw.loop);
	cw.backends[0].url = fake_bitcoind_url(a);
	cw.backends[1].url = fake_bitcoind_url(b);
	cw.opts.n_backends = 1;
	cw.opts.open_min_ms = 40;
	cw.opts.open_max_ms = 80;
	fake_bitcoind_on(a, "getblockhash", "\"" GENESIS "\"");
	fake_bitcoind_on(b, "getblockhash", "\"" GENESIS "\"");
}

static void teardown(void)
{
	chain_source_free(cw.source);
	cw.source = NULL;
	fake_bitcoind_free(a);
	fake_bitcoind_free(b);
	chain_world_teardown();
}

static struct chain_ask *ask_ref(struct chain_then then)
{
	return chain_ask_ref(cw.source, 7, then);
}

static int who;

static void look_who(const struct chain_answer *got)
{
	who = got->backend;
}

static enum err_code ask(void)
{
	return chain_world_wait(ask_ref, look_who).code;
}

static const struct chain_stats *stats(size_t i)
{
	chain_stats(cw.source, i, &st);
	return &st;
}

static void open_two(void)
{
	cw.opts.n_backends = 2;
	chain_world_open();
}

/* --- who is asked --- */

START_TEST(the_first_that_is_fit_is_asked)
{
	open_two();
	ck_assert_int_eq(stats(0)->state, CHAIN_NEW);
	ck_assert(ask() == ERR_NONE && who == 0);
	ck_assert(ask() == ERR_NONE && who == 0);
	ck_assert_uint_eq(http_peer_requests(fake_bitcoind_peer(b), NULL), 0);
	ck_assert_uint_eq(fake_bitcoind_calls(a, "getnetworkinfo"), 1); /* verified once */
	ck_assert(stats(0)->answered == 3 && st.state == CHAIN_READY && st.latency_ms >= 0 && st.last_answer_ms > 0);
}
END_TEST

static uint64_t counted(const char *outcome)
{
	char labels[64];

	(void)snprintf(labels, sizeof(labels), "question=\"ref\",outcome=\"%s\"", outcome);
	return metric_value(metric_counter("walletd_chain_questions_total", labels, ""));
}

START_TEST(questions_are_counted)
{
	static const struct peer_script reset = { .raw = "", .end = PEER_RESET };
	uint64_t answered = counted("answered"), failed = counted("failed");

	chain_world_open();
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_fault(a, &reset, 2);
	ck_assert_int_eq(ask(), ERR_PEER_DOWN);
	ck_assert(counted("answered") == answered + 1 && counted("failed") == failed + 1);
}
END_TEST

START_TEST(the_next_is_asked_when_one_fails)
{
	static const struct peer_script reset = { .raw = "", .end = PEER_RESET };

	open_two();
	fake_bitcoind_fault(a, &reset, 100);
	ck_assert(ask() == ERR_NONE && who == 1);
	ck_assert(ask() == ERR_NONE && who == 1);
	ck_assert(ask() == ERR_NONE && who == 1);
	/* Three in a row: it rests, and is not asked at all. */
	ck_assert(stats(0)->state == CHAIN_RESTING && st.failed == 3 && st.resting_ms > 0);
	ck_assert_int_eq(st.last_error.code, ERR_PEER_DOWN);
	ck_assert(ask() == ERR_NONE && who == 1);
	ck_assert_uint_eq(stats(0)->failed, 3);
	/* After its rest it has to say again who it is. */
	fake_bitcoind_fault(a, &reset, 0);
	chain_world_run_for(60);
	ck_assert_int_eq(stats(0)->state, CHAIN_NEW);
	ck_assert(ask() == ERR_NONE && who == 0);
	ck_assert_int_eq(stats(0)->state, CHAIN_READY);
}
END_TEST

START_TEST(a_rest_grows_to_its_limit)
{
	static const struct peer_script reset = { .raw = "", .end = PEER_RESET };
	struct err err;
	int64_t wait;

	chain_world_open();
	fake_bitcoind_fault(a, &reset, 100);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask(), ERR_PEER_DOWN);
	ck_assert(!chain_is_usable(cw.source, &wait) && wait > 0 && wait <= 40);
	err = chain_world_wait(ask_ref, NULL);
	ck_assert(err.code == ERR_PEER_DOWN && err.retry_after_s == 1);
	chain_world_run_for(50);
	ck_assert(chain_is_usable(cw.source, &wait) && wait == 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ask(), ERR_PEER_DOWN); /* one failure is enough now */
		ck_assert(!chain_is_usable(cw.source, &wait) && wait > 40 && wait <= 80);
		chain_world_run_for(90);
	}
	ck_assert_uint_eq(stats(0)->failed, 6);
	ck_assert_int_eq(st.last_answer_ms, 0);
}
END_TEST

START_TEST(a_node_that_catches_up_goes_behind)
{
	open_two();
	ck_assert(ask() == ERR_NONE && who == 0);
	fake_bitcoind_on(a, "getblockchaininfo",
			 "{\"chain\":\"regtest\",\"blocks\":0,\"headers\":9,\"bestblockhash\":\"" GENESIS
			 "\",\"initialblockdownload\":true,\"pruned\":false}");
	chain_source_free(cw.source);
	chain_world_open();
	ck_assert(ask() == ERR_NONE && who == 0); /* nobody knew */
	ck_assert_int_eq(stats(0)->state, CHAIN_CATCHING_UP);
	ck_assert(ask() == ERR_NONE && who == 1);
}
END_TEST

/* --- networks --- */

static void other_chain(struct fake_bitcoind *n, const char *chain)
{
	char text[300];

	(void)snprintf(text, sizeof(text),
		       "{\"chain\":\"%s\",\"blocks\":0,\"headers\":0,\"bestblockhash\":\"" GENESIS
		       "\",\"initialblockdownload\":false,\"pruned\":false}",
		       chain);
	fake_bitcoind_on(n, "getblockchaininfo", text);
}

START_TEST(another_network_is_refused)
{
	open_two();
	other_chain(a, "main");
	ck_assert(ask() == ERR_NONE && who == 1);
	ck_assert(stats(0)->state == CHAIN_WRONG_NETWORK && st.last_error.code == ERR_NETWORK);
	ck_assert_uint_eq(fake_bitcoind_calls(a, "getblockhash"), 1); /* it was asked for nothing else */
	other_chain(b, "test");
	chain_source_free(cw.source);
	chain_world_open();
	ck_assert_int_eq(ask(), ERR_NETWORK);
	ck_assert_int_eq(ask(), ERR_NETWORK);
	/* It is looked at again some time, and may be mended. */
	fake_bitcoind_undo(b);
	chain_world_run_for(100);
	ck_assert(ask() == ERR_NONE && who == 1);
}
END_TEST

START_TEST(another_first_block_is_refused)
{
	chain_world_open();
	fake_bitcoind_on(a, "getblockhash", "\"" OTHER "\"");
	ck_assert_int_eq(ask(), ERR_NETWORK);
}
END_TEST

static struct chain_ask *ask_tip(struct chain_then then)
{
	return chain_ask_tip(cw.source, then);
}

/* The node behind an address was exchanged while we ran. */
START_TEST(a_network_that_changes_is_noticed)
{
	chain_world_open();
	ck_assert_int_eq(ask(), ERR_NONE);
	other_chain(a, "signet");
	ck_assert_int_eq(chain_world_wait(ask_tip, NULL).code, ERR_NETWORK);
	ck_assert_int_eq(stats(0)->state, CHAIN_WRONG_NETWORK);
}
END_TEST

/* --- logins --- */

START_TEST(a_refused_password)
{
	cw.backends[0].login = "alice:secret";
	chain_world_open();
	fake_bitcoind_login(a, "Basic YWxpY2U6c2VjcmV0");
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_login(a, "Basic bm90OnRoaXM=");
	ck_assert_int_eq(ask(), ERR_PEER_AUTH);
	ck_assert(stats(0)->state == CHAIN_NO_LOGIN && st.failed == 1 && st.last_error.peer_code == 401);
	ck_assert_ptr_null(strstr(st.last_error.msg, "secret"));
	ck_assert_int_eq(ask(), ERR_PEER_DOWN); /* it rests */
	fake_bitcoind_login(a, NULL);
	chain_world_run_for(60);
	ck_assert_int_eq(ask(), ERR_NONE);
	ck_assert_int_eq(stats(0)->state, CHAIN_READY);
}
END_TEST

static char cookie_path[] = "/tmp/walletd-cookie-XXXXXX";

static void cookie(const char *text)
{
	SCOPED(file) FILE *f = fopen(cookie_path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
}

START_TEST(cookies)
{
	static const struct peer_script reset = { .raw = "", .end = PEER_RESET };
	int fd = mkstemp(cookie_path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	cw.backends[0].cookie_file = cookie_path;
	chain_world_open();
	ck_assert_int_eq(ask(), ERR_PEER_AUTH); /* it is empty */
	ck_assert_int_eq(stats(0)->state, CHAIN_NO_LOGIN);
	ck_assert_uint_eq(http_peer_requests(fake_bitcoind_peer(a), NULL), 0);
	chain_world_run_for(60);
	cookie("__cookie__:one\n");
	fake_bitcoind_login(a, "Basic X19jb29raWVfXzpvbmU=");
	ck_assert_int_eq(ask(), ERR_NONE);
	/* The node started again and has another one: read anew, without anybody noticing. */
	cookie("__cookie__:two");
	fake_bitcoind_login(a, "Basic X19jb29raWVfXzp0d28=");
	ck_assert_int_eq(ask(), ERR_NONE);
	ck_assert_uint_eq(stats(0)->failed, 1);
	/* The same, but it was gone for a moment. */
	fake_bitcoind_fault(a, &reset, 2); /* libcurl asks once more by itself */
	ck_assert_int_eq(ask(), ERR_PEER_DOWN);
	cookie("__cookie__:one");
	fake_bitcoind_login(a, "Basic X19jb29raWVfXzpvbmU=");
	ck_assert_int_eq(ask(), ERR_NONE);
	ck_assert_uint_eq(stats(0)->failed, 2);
	/* Refused, and the file holds nothing new. */
	fake_bitcoind_login(a, "Basic bm90OnRoaXM=");
	ck_assert_int_eq(ask(), ERR_PEER_AUTH);
	ck_assert_int_eq(unlink(cookie_path), 0);
	for (int i = 0; i < 2; i++) { /* with what it last held, and then with nothing */
		chain_world_run_for(100);
		ck_assert_int_eq(ask(), ERR_PEER_AUTH);
	}
	ck_assert_ptr_nonnull(strstr(stats(0)->last_error.msg, "cannot be read"));
}
END_TEST

/* --- replies --- */

static const struct {
	const char *name;
	struct peer_script script;
	enum err_code code;
} faults[] = {
	{ "never answers", { .raw = "" }, ERR_PEER_DOWN },
	{ "cut short",
	  { .body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}", .cut = 60, .end = PEER_CLOSE },
	  ERR_PEER_DOWN },
	{ "not HTTP", { .raw = "hello\r\n\r\n", .end = PEER_CLOSE }, ERR_PEER_DOWN },
	{ "a page", { .body = "<html>" }, ERR_PEER_INVALID },
	{ "another server", { .status = 404, .body = "not here" }, ERR_PEER_DOWN },
	{ "a gateway", { .status = 502 }, ERR_PEER_DOWN },
	{ "40 MB", { .filler = 40 * 1024 * 1024 }, ERR_PEER_DOWN },
	{ "16 MB of nothing", { .filler = 16 * 1024 * 1024 }, ERR_PEER_INVALID },
	{ "nested too deep",
	  { .body = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" },
	  ERR_PEER_INVALID },
	{ "busy", { .status = 503, .body = "Work queue depth exceeded" }, ERR_PEER_BUSY },
	{ "throttled", { .status = 429, .headers = "Retry-After: 2\r\n" }, ERR_PEER_BUSY },
	{ "warming up",
	  { .status = 500, .body = "{\"result\":null,\"error\":{\"code\":-28,\"message\":\"Loading\"},\"id\":1}" },
	  ERR_PEER_BUSY },
	{ "an answer to something else", { .body = "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":7}" }, ERR_PEER_INVALID },
};

START_TEST(odd_replies)
{
	struct err err;

	cw.opts.timeout_ms = faults[_i].script.raw && !*faults[_i].script.raw ? 1000 : 30000;
	chain_world_open();
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_fault(a, &faults[_i].script, 1);
	err = chain_world_wait(ask_ref, NULL);
	ck_assert_msg(err.code == faults[_i].code, "%s: %s: %s", faults[_i].name, err_kind(err.code), err.msg);
	if (err.code == ERR_PEER_BUSY) {
		/* Left alone for a while. */
		ck_assert_int_eq(stats(0)->state, CHAIN_RESTING);
		ck_assert(err.retry_after_s == 1 || err.retry_after_s == 2);
		ck_assert(faults[_i].script.headers == NULL || st.resting_ms > 1000);
	} else {
		ck_assert_int_eq(ask(), ERR_NONE);
	}
}
END_TEST

/* The same with another node to ask: nobody hears of it. */
START_TEST(odd_replies_beside_a_good_node)
{
	cw.opts.timeout_ms = 1000;
	open_two();
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_fault(a, &faults[_i].script, 1);
	ck_assert(ask() == ERR_NONE && who == 1);
	ck_assert_uint_eq(stats(0)->failed, 1);
}
END_TEST

/* --- sending --- */

static struct chain_broadcast sent;

static struct chain_ask *ask_broadcast(struct chain_then then)
{
	struct bytes raw;
	struct err err;
	struct tx tx;

	ck_assert(hex_decode_any(&cw.arena, tx_hex, 1000, &raw));
	ck_assert_int_eq(tx_decode(&cw.arena, raw, &tx, &err), 0);
	return chain_ask_broadcast(cw.source, &tx, then);
}

static void look_sent(const struct chain_answer *got)
{
	sent = got->broadcast;
	who = got->backend;
}

static struct chain_ask *ask_package(struct chain_then then)
{
	struct bytes raw;
	struct err err;
	struct tx tx;
	const struct tx *one = &tx;

	ck_assert(hex_decode_any(&cw.arena, tx_hex, 1000, &raw));
	ck_assert_int_eq(tx_decode(&cw.arena, raw, &tx, &err), 0);
	return chain_ask_package(cw.source, &one, 1, then);
}

static enum package_class submitted;

static void look_package(const struct chain_answer *got)
{
	submitted = got->package.class;
	ck_assert_uint_eq(got->package.n, 1);
}

/* Twice: over a connection that was used before, libcurl asks once more by itself. */
static const struct peer_script gone = { .raw = "", .end = PEER_RESET };
static const struct peer_script refused = { .status = 503 };

START_TEST(what_is_sent_and_not_answered_is_unknown)
{
	chain_world_open();
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_fault(a, &gone, 2);
	ck_assert_int_eq(chain_world_wait(ask_broadcast, look_sent).code, ERR_PEER_DOWN);
	ck_assert(sent.class == BROADCAST_UNKNOWN && who == -1);
	fake_bitcoind_fault(a, &gone, 2);
	ck_assert_int_eq(chain_world_wait(ask_package, look_package).code, ERR_PEER_DOWN);
	ck_assert_int_eq(submitted, PACKAGE_UNKNOWN);
}
END_TEST

START_TEST(nobody_to_send_to_is_unknown_too)
{
	cw.backends[0].url = "http://127.0.0.1:1/";
	chain_world_open();
	ck_assert_int_eq(chain_world_wait(ask_broadcast, look_sent).code, ERR_PEER_DOWN);
	ck_assert_int_eq(sent.class, BROADCAST_UNKNOWN);
}
END_TEST

/* The first may have taken it: then a no of the second is no end of it. */
START_TEST(a_second_node_says_no)
{
	open_two();
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_error(b, "sendrawtransaction", -26, "min relay fee not met, 1 < 2");
	fake_bitcoind_fault(a, &gone, 2);
	ck_assert_int_eq(chain_world_wait(ask_broadcast, look_sent).code, ERR_NONE);
	ck_assert(sent.class == BROADCAST_UNKNOWN && who == 1);
	/* The first certainly did not take it. */
	fake_bitcoind_fault(a, &refused, 1);
	ck_assert_int_eq(chain_world_wait(ask_broadcast, look_sent).code, ERR_NONE);
	ck_assert(sent.class == BROADCAST_FEE_TOO_LOW && who == 1);
}
END_TEST

START_TEST(a_second_node_takes_it)
{
	open_two();
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_on(b, "sendrawtransaction", "\"" TXID "\"");
	fake_bitcoind_fault(a, &gone, 2);
	ck_assert_int_eq(chain_world_wait(ask_broadcast, look_sent).code, ERR_NONE);
	ck_assert(sent.class == BROADCAST_OK && who == 1);
}
END_TEST

/* --- many questions, and their end --- */

static unsigned n_done;

static void count_done(void *ctx, const struct chain_answer *got)
{
	(void)got;
	n_done++;
	if (n_done == *(unsigned *)ctx)
		loop_stop(cw.loop);
}

static void never(void *ctx, const struct chain_answer *got)
{
	(void)ctx;
	(void)got;
	ck_abort_msg("a cancelled question was answered");
}

START_TEST(few_are_under_way_at_a_time)
{
	unsigned want = 20;
	struct err err;

	cw.opts.max_in_flight = 2;
	chain_world_open();
	n_done = 0;
	for (unsigned i = 0; i < want; i++)
		chain_ask_ref(cw.source, i, (struct chain_then){ count_done, &want });
	ck_assert_uint_eq(chain_in_flight(cw.source), want);
	ck_assert_uint_eq(http_in_flight(cw.http), 1); /* it is verified first */
	ck_assert_int_eq(loop_run(cw.loop, &err), 0);
	ck_assert_uint_eq(n_done, want);
	ck_assert_uint_le(http_peer_connections(fake_bitcoind_peer(a)), 2);
}
END_TEST

START_TEST(cancelled_questions_are_not_answered)
{
	static const struct peer_script slow = { .raw = "" };
	struct chain_ask *waiting[4];

	cw.opts.max_in_flight = 2;
	chain_world_open();
	/* While it is being verified. */
	chain_cancel(chain_ask_ref(cw.source, 1, (struct chain_then){ never, NULL }));
	ck_assert_int_eq(ask(), ERR_NONE);
	/* Under way, and waiting in line. */
	fake_bitcoind_fault(a, &slow, 2);
	for (int i = 0; i < 4; i++)
		waiting[i] = chain_ask_ref(cw.source, 1, (struct chain_then){ never, NULL });
	chain_world_run_for(50);
	for (int i = 3; i >= 0; i--)
		chain_cancel(waiting[i]);
	ck_assert_uint_eq(chain_in_flight(cw.source), 0);
	ck_assert_uint_eq(http_in_flight(cw.http), 0);
	ck_assert_int_eq(ask(), ERR_NONE);
	/* Answered, but not told yet: nobody is fit, which is known at once. */
	chain_source_free(cw.source);
	cw.backends[0].cookie_file = "/nowhere";
	chain_world_open();
	chain_cancel(chain_ask_ref(cw.source, 1, (struct chain_then){ never, NULL }));
	chain_world_run_for(50);
}
END_TEST

START_TEST(a_source_ends_with_its_questions)
{
	static const struct peer_script slow = { .raw = "" };

	chain_world_open();
	ck_assert_int_eq(ask(), ERR_NONE);
	fake_bitcoind_fault(a, &slow, 3);
	for (int i = 0; i < 3; i++)
		chain_ask_ref(cw.source, 1, (struct chain_then){ never, NULL });
	chain_world_run_for(20);
	chain_ask_ref(cw.source, 1, (struct chain_then){ never, NULL });
	chain_source_free(cw.source);
	cw.source = NULL;
	chain_source_free(NULL);
	ck_assert_uint_eq(http_in_flight(cw.http), 0);
	chain_world_run_for(20);
}
END_TEST

/* --- options --- */

static const struct {
	const char *name, *url, *login, *cookie;
	enum chain_kind kind;
} wrong[] = {
	{ "no URL", "127.0.0.1:8332", NULL, NULL, CHAIN_BITCOIND },
	{ "no host", "http:///x", NULL, NULL, CHAIN_BITCOIND },
	{ "a password in it", "http://me:pw@127.0.0.1/", NULL, NULL, CHAIN_BITCOIND },
	{ "a space", "http://127.0.0.1/ x", NULL, NULL, CHAIN_BITCOIND },
	{ "no password", "http://127.0.0.1/", "alice", NULL, CHAIN_BITCOIND },
	{ "two logins", "http://127.0.0.1/", "a:b", "/x", CHAIN_BITCOIND },
	{ "a login for Esplora", "http://127.0.0.1", "a:b", NULL, CHAIN_ESPLORA },
	{ "a slash for Esplora", "http://127.0.0.1/api/", NULL, NULL, CHAIN_ESPLORA },
	{ "a query for Esplora", "http://127.0.0.1/api?key=x", NULL, NULL, CHAIN_ESPLORA },
};

START_TEST(options_are_checked)
{
	struct chain_source *s;
	struct err err;

	cw.backends[0] = (struct chain_backend_options){ wrong[_i].url, wrong[_i].login, wrong[_i].cookie };
	cw.opts.kind = wrong[_i].kind;
	ck_assert_msg(chain_source_new(&cw.opts, &s, &err) == -1, "%s", wrong[_i].name);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_null(strstr(err.msg, "pw"));
}
END_TEST

START_TEST(backends_are_counted)
{
	struct chain_source *s;
	struct err err;

	cw.opts.n_backends = 0;
	ck_assert_int_eq(chain_source_new(&cw.opts, &s, &err), -1);
	cw.opts.n_backends = CHAIN_BACKENDS_MAX + 1;
	ck_assert_int_eq(chain_source_new(&cw.opts, &s, &err), -1);
	cw.opts.n_backends = 2;
	cw.backends[1] = cw.backends[0];
	ck_assert_int_eq(chain_source_new(&cw.opts, &s, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "the same"));
	cw.opts.n_backends = 1;
	chain_world_open();
	ck_assert_uint_eq(chain_backends(cw.source), 1);
	ck_assert_str_eq(stats(0)->url, cw.backends[0].url);
	for (int k = CHAIN_NEW; k <= CHAIN_WRONG_NETWORK; k++)
		ck_assert_str_ne(chain_state_name((enum chain_state)k), "unknown");
}
END_TEST

/* --- the breaker by itself --- */

START_TEST(rests)
{
	struct breaker_rules r = { 1000, 300000, 3600000 };
	struct breaker h = { 0 };
	struct err down, busy;
	int64_t now = 1000000;

	ERR(&down, ERR_PEER_DOWN, "x");
	ERR(&busy, ERR_PEER_BUSY, "x");
	ck_assert(breaker_is_fit(&h, now) && breaker_is_unverified(&h, now));
	breaker_verified(&h, &r, true, now);
	ck_assert(!breaker_is_unverified(&h, now + 3599999) && breaker_is_unverified(&h, now + 3600000));
	ck_assert(!breaker_failed(&h, &r, &down, now) && !breaker_failed(&h, &r, &down, now));
	ck_assert(breaker_failed(&h, &r, &down, now) && breaker_wait_ms(&h, now) == 1000);
	ck_assert(!breaker_failed(&h, &r, &down, now)); /* it was under way */
	for (int64_t want = 2000; want < 300000; want *= 2) {
		now += 400000;
		ck_assert(breaker_is_fit(&h, now) && breaker_is_unverified(&h, now));
		ck_assert(breaker_failed(&h, &r, &down, now) && breaker_wait_ms(&h, now) == want);
	}
	now += 400000;
	ck_assert(breaker_failed(&h, &r, &down, now) && breaker_wait_ms(&h, now) == 300000);
	now += 400000;
	ck_assert(breaker_failed(&h, &r, &busy, now) && breaker_wait_ms(&h, now) == 60000);
	now += 400000;
	busy.retry_after_s = 200;
	ck_assert(breaker_failed(&h, &r, &busy, now) && breaker_wait_ms(&h, now) == 200000);
	now += 400000;
	busy.retry_after_s = 86400;
	ck_assert(breaker_failed(&h, &r, &busy, now) && breaker_wait_ms(&h, now) == 600000);
	now += 700000;
	breaker_answered(&h);
	ck_assert(!breaker_failed(&h, &r, &down, now) && breaker_is_fit(&h, now));
	/* Verified while it is open: not for long. */
	ERR(&busy, ERR_PEER_AUTH, "x");
	ck_assert(breaker_failed(&h, &r, &busy, now) && h.no_login);
	breaker_verified(&h, &r, true, now);
	ck_assert(breaker_is_unverified(&h, now + 1000));
	breaker_answered(&h);
	ck_assert(!h.no_login);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain/source: faults");
	TCase *t = tcase_create("backends"), *r = tcase_create("replies"), *o = tcase_create("options");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_checked_fixture(r, setup, teardown);
	tcase_add_checked_fixture(o, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_set_timeout(r, 60);
	tcase_add_test(t, the_first_that_is_fit_is_asked);
	tcase_add_test(t, questions_are_counted);
	tcase_add_test(t, the_next_is_asked_when_one_fails);
	tcase_add_test(t, a_rest_grows_to_its_limit);
	tcase_add_test(t, a_node_that_catches_up_goes_behind);
	tcase_add_test(t, another_network_is_refused);
	tcase_add_test(t, another_first_block_is_refused);
	tcase_add_test(t, a_network_that_changes_is_noticed);
	tcase_add_test(t, a_refused_password);
	tcase_add_test(t, cookies);
	tcase_add_loop_test(r, odd_replies, 0, ARRAY_LEN(faults));
	tcase_add_loop_test(r, odd_replies_beside_a_good_node, 0, ARRAY_LEN(faults));
	tcase_add_test(t, what_is_sent_and_not_answered_is_unknown);
	tcase_add_test(t, nobody_to_send_to_is_unknown_too);
	tcase_add_test(t, a_second_node_says_no);
	tcase_add_test(t, a_second_node_takes_it);
	tcase_add_test(t, few_are_under_way_at_a_time);
	tcase_add_test(t, cancelled_questions_are_not_answered);
	tcase_add_test(t, a_source_ends_with_its_questions);
	tcase_add_loop_test(o, options_are_checked, 0, ARRAY_LEN(wrong));
	tcase_add_test(o, backends_are_counted);
	tcase_add_test(o, rests);
	suite_add_tcase(s, t);
	suite_add_tcase(s, r);
	suite_add_tcase(s, o);
	return suite_run(s);
}
