/* rpc/walletctl/ctl.c, client.c, start.c, watch.c, completion.c: whole runs, against a scripted daemon that says what a
 * real one must never say, and against a real server. */
#include "rpc/walletctl/ctl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rpc/walletctl/term.h"
#include "tests/support/http_peer.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

static char dir[] = "/tmp/walletctl-ctl-XXXXXX";
static char socket_path[144], file_path[96], *out, *said;
static struct arena a;
static pid_t peer_pid;
static const char *input; /* standard input of the next run */

/* --- running it --- */

static int run_words(const char *const *words)
{
	size_t out_n, said_n;
	char *argv[24] = { arena_strdup(&a, "walletctl") };
	char *env[] = { arena_printf(&a, "HOME=%s", dir), NULL };
	struct ctl c = { .argv = argv, .env = env, .methods = rpc_methods };
	int fds[2], code, n = 1;

	for (; *words; words++)
		argv[n++] = arena_strdup(&a, *words);
	free(out);
	free(said);
	ck_assert_int_eq(pipe(fds), 0);
	if (input)
		ck_assert_int_eq(write(fds[1], input, strlen(input)), (ssize_t)strlen(input));
	close(fds[1]);
	input = NULL;
	c.in.fd = fds[0];
	c.out = open_memstream(&out, &out_n);
	c.err = open_memstream(&said, &said_n);
	code = (int)ctl_run(&c);
	fclose(c.out);
	fclose(c.err);
	close(fds[0]);
	return code;
}

#define RUN(...) run_words((const char *const[]){ "--socket", socket_path, __VA_ARGS__, NULL })

static void assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in:\n%s", part, text);
}

static json_t *out_json(void)
{
	struct err err;
	json_t *v;

	if (json_parse(&a, bytes_of(out), 32, &v, &err) != 0)
		ck_abort_msg("%s: %s", err.msg, out);
	return v;
}

/* --- a scripted daemon --- */

static const char kinds_json[] =
	"{\"kinds\":[{\"kind\":\"cashu_receive\",\"summary\":\"Take a token.\",\"scope\":\"receive\",\"states\":[\"a\"],"
	"\"params\":{\"type\":\"object\",\"required\":[\"token\"],\"additionalProperties\":false,\"properties\":{"
	"\"token\":{\"type\":\"string\",\"writeOnly\":true,\"minLength\":1,\"maxLength\":100,\"description\":\"It.\"},"
	"\"trust\":{\"type\":\"boolean\",\"description\":\"A new mint.\"},"
	"\"unit\":{\"type\":\"string\",\"enum\":[\"sat\",\"usd\"],\"description\":\"Unit.\"}}}},"
	"{\"kind\":\"broken\",\"summary\":\"\",\"params\":7}]}";

struct scripted {
	struct arena arena;
	struct peer_script script;
	int gets;
};

static const char *answer_text(struct scripted *p, const char *id, const char *member, const char *value)
{
	return arena_printf(&p->arena, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%s}\n", id, member, value);
}

/* What `log.level module=…` makes happen. */
static const struct trouble {
	const char *name;
	struct peer_script script; /* with "%s" in body: the id */
	int code;
	const char *says;
} troubles[] = {
	{ "refused",
	  { .status = 401, .body = "{\"id\":null,\"error\":{\"message\":\"no such key\"}}" },
	  2,
	  "walletctl: wrong key (HTTP 401): no such key\n" },
	{ "not ours",
	  { .status = 403, .body = "{\"id\":null,\"error\":{\"message\":\"peer\",\"data\":{\"hint\":\"the owner\"}}}" },
	  2,
	  "walletctl: permission denied (HTTP 403): peer\nwalletctl: hint: the owner\n" },
	{ "scope",
	  { .status = 403, .body = "{\"id\":%s,\"error\":{\"message\":\"needs admin\"}}" },
	  1,
	  "error: needs admin\n" },
	{ "busy",
	  { .status = 503, .body = "{\"id\":null,\"error\":{\"message\":\"stopping\"}}" },
	  2,
	  "walletctl: busy (HTTP 503): stopping\n" },
	{ "many", { .status = 429, .body = "" }, 2, "walletctl: busy (HTTP 429): this does not look like walletd\n" },
	{ "a web server",
	  { .status = 404, .body = "<html>" },
	  2,
	  "walletctl: refused (HTTP 404): this does not look like walletd\n" },
	{ "no JSON", { .body = "hello" }, 2, "walletctl: the answer makes no sense: not JSON" },
	{ "another id", { .body = "{\"id\":77,\"result\":{}}" }, 2, "walletctl: the answer makes no sense: neither" },
	{ "both",
	  { .body = "{\"id\":%s,\"result\":{},\"error\":{}}" },
	  2,
	  "walletctl: the answer makes no sense: neither" },
	{ "no object", { .body = "{\"id\":%s,\"result\":[]}" }, 2, "walletctl: the answer makes no sense: neither" },
	{ "cut",
	  { .body = "{\"id\":%s,\"result\":{}}", .cut = 60, .end = PEER_CLOSE },
	  2,
	  "walletctl: no answer from walletd" },
	{ "silence", { .raw = "" }, 2, "walletctl: no answer from walletd: no whole reply within 1000 ms\n" },
	{ "escapes",
	  { .body = "{\"id\":%s,\"error\":{\"message\":\"\\u001b[2J\\nerror: x\",\"data\":{\"kind\":\"k\\u009b\"}}}" },
	  1,
	  "error: \\u001b[2J\\u000aerror: x\nkind: k\\u009b\n" },
};

static const struct peer_script *on_trouble(struct scripted *p, const char *id, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
		const char *mark;

		if (strcmp(troubles[i].name, name) != 0)
			continue;
		p->script = troubles[i].script;
		mark = p->script.body ? strstr(p->script.body, "%s") : NULL;
		if (mark)
			p->script.body = arena_printf(&p->arena, "%.*s%s%s", (int)(mark - p->script.body),
						      p->script.body, id, mark + 2);
		return &p->script;
	}
	abort();
}

/* An action by its name: "done-after-2" and the like. */
static const char *action_text(struct scripted *p, const char *id)
{
	const char *status = p->gets < 3 ? "parked" : strstr(id, "fails") ? "failed" : "done";

	if (strstr(id, "never"))
		status = "parked";
	return arena_printf(
		&p->arena,
		"{\"id\":\"%s\",\"status\":\"%s\",\"state\":\"waiting\",\"result\":{\"request\":\"lnbc1x\"},"
		"\"asked\":%d}",
		id, status, p->gets);
}

static const char *export_text(const json_t *params)
{
	const char *after = json_string_value(json_object_get(params, "after"));

	if (!after)
		return "{\"text\":\"head\\r\\n1\\r\\n\",\"next\":\"one\"}";
	return strcmp(after, "one") == 0 ? "{\"text\":\"2\\r\\n\",\"next\":\"two\"}"
					 : "{\"text\":\"3\\r\\n\",\"next\":null}";
}

static const struct peer_script *answer(void *ctx, const struct peer_request *asked)
{
	struct scripted *p = ctx;
	json_t *call, *params;
	const char *method, *id, *subject;
	struct err err;

	arena_reset(&p->arena);
	p->script = (struct peer_script){ 0 };
	if (json_parse(&p->arena, asked->body, 32, &call, &err) != 0)
		abort();
	method = json_string_value(json_object_get(call, "method"));
	params = json_object_get(call, "params");
	id = arena_printf(&p->arena, "%d", (int)json_integer_value(json_object_get(call, "id")));
	subject = json_string_value(json_object_get(params, "id"));
	if (strcmp(method, "log.level") == 0)
		return on_trouble(p, id, json_string_value(json_object_get(params, "module")));
	if (strcmp(method, "action.kinds") == 0) {
		p->script.body = answer_text(p, id, "result", kinds_json);
	} else if (strcmp(method, "action.get") == 0 && strcmp(subject, "unknown") == 0) {
		p->script.body = answer_text(p, id, "error", "{\"message\":\"no\",\"data\":{\"kind\":\"not_found\"}}");
	} else if (strcmp(method, "action.get") == 0) {
		p->gets++;
		p->script.body = answer_text(p, id, "result", action_text(p, subject));
		p->script.end = strstr(subject, "restart") ? PEER_CLOSE : PEER_KEEP;
	} else if (strcmp(method, "history.export") == 0) {
		p->script.body = answer_text(p, id, "result", export_text(params));
	} else if (strcmp(method, "mint.add") == 0) { /* acted upon, and never answered */
		p->script.raw = "HTTP/1.1 200 OK\r\n";
		p->script.end = PEER_CLOSE;
	} else { /* what was asked, back */
		json_set_str(params, "id", "act-1");
		p->script.body = answer_text(p, id, "result", json_text(&p->arena, params));
	}
	return &p->script;
}

static NORETURN void serve(int ready)
{
	struct scripted p = { .arena = ARENA_LIMIT(1 << 20) };
	struct http_peer *peer;
	struct loop *loop;
	struct err err;

	if (loop_new(&loop, &err) != 0)
		abort();
	peer = http_peer_new(loop, socket_path);
	http_peer_answer(peer, answer, &p);
	if (write(ready, "x", 1) != 1 || loop_run(loop, &err) != 0)
		abort();
	_exit(0);
}

static void start_peer(void)
{
	int fds[2];
	char c;

	ck_assert_int_eq(pipe(fds), 0);
	peer_pid = fork();
	ck_assert_int_ge(peer_pid, 0);
	if (peer_pid == 0)
		serve(fds[1]);
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &c, 1), 1);
	close(fds[0]);
}

static void stop_peer(void)
{
	if (peer_pid > 0) {
		kill(peer_pid, SIGKILL);
		waitpid(peer_pid, NULL, 0);
	}
	peer_pid = 0;
	unlink(socket_path);
}

static void set_up(void)
{
	term_init();
	a = ARENA_LIMIT(64 << 20);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(socket_path, sizeof(socket_path), "%s/rpc.sock", dir);
	snprintf(file_path, sizeof(file_path), "%s/file", dir);
	start_peer();
}

static void tear_down(void)
{
	stop_peer();
	unlink(file_path);
	ck_assert_int_eq(rmdir(dir), 0);
	free(out);
	free(said);
	out = said = NULL;
	arena_done(&a);
}

static void write_file(const char *text)
{
	FILE *f = fopen(file_path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* --- calls --- */

START_TEST(trouble)
{
	ck_assert_int_eq(RUN("--timeout=1", "log", "level", arena_printf(&a, "module=%s", troubles[_i].name)),
			 troubles[_i].code);
	assert_has(said, troubles[_i].says);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(parameters_arrive)
{
	ck_assert_int_eq(RUN("--json", "history", "limit=5", "--internal", "order=oldest"), 0);
	ck_assert_str_eq(json_text(&a, out_json()),
			 "{\"internal\":true,\"limit\":5,\"order\":\"oldest\",\"id\":\"act-1\"}");
	ck_assert_str_eq(said, "");
	ck_assert_int_eq(RUN("history", "limit=5"), 0);
	ck_assert_str_eq(out, "limit  5\nid     act-1\n");
}
END_TEST

/* Each call that changes something has a key, so that asking again after silence is safe; and the key is told then. */
START_TEST(mutating_calls_have_a_key)
{
	const char *key;

	ck_assert_int_eq(RUN("--json", "action.cancel", "x1"), 0);
	key = json_string_value(json_object_get(out_json(), "idempotency_key"));
	ck_assert_ptr_nonnull(key);
	ck_assert_uint_eq(strlen(key), strlen("walletctl-") + 32);
	ck_assert_int_eq(RUN("--json", "action.cancel", "x1"), 0);
	ck_assert_str_ne(json_string_value(json_object_get(out_json(), "idempotency_key")), key);
	ck_assert_int_eq(RUN("--json", "action.cancel", "x1", "idempotency_key=mine"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "idempotency_key")), "mine");
	ck_assert_int_eq(RUN("mint.add", "http://m", "idempotency_key=mine"), 2);
	assert_has(said, "hint: it may have been done; the same again with idempotency_key=mine does nothing twice");
}
END_TEST

START_TEST(errors_as_json)
{
	ck_assert_int_eq(RUN("--json", "action", "get", "unknown"), 1);
	ck_assert_str_eq(out, "");
	assert_has(said, "{\n  \"message\": \"no\",");
}
END_TEST

START_TEST(wrong_usage)
{
	stop_peer(); /* nobody is asked */
	ck_assert_int_eq(RUN("action.get", "idd=1"), 3);
	ck_assert_str_eq(said, "walletctl: unknown parameter \"idd\"; did you mean id?\n"
			       "walletctl: hint: walletctl help action.get\n");
	ck_assert_int_eq(RUN("history", "limit=x"), 3);
	ck_assert_int_eq(RUN("wait", "not an id"), 3);
	ck_assert_int_eq(RUN("wait", "x1", "x2"), 3);
	ck_assert_int_eq(RUN("start"), 3);
	ck_assert_int_eq(RUN("completion", "fish"), 3);
	ck_assert_int_eq(RUN("--rpc=http://localhost", "status"), 3);
	ck_assert_int_eq(RUN("nonsense"), 3);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(not_running)
{
	stop_peer();
	ck_assert_int_eq(RUN("status"), 2);
	assert_has(said, "walletctl: walletd is not running: there is no socket ");
	ck_assert_int_eq(RUN("--json", "status"), 2);
	ck_assert_int_eq(RUN("wait", "x1"), 2);
	ck_assert_int_eq(RUN("start", "cashu_send"), 2);
	ck_assert_str_eq(out, "");
}
END_TEST

static FILE *full(void)
{
	FILE *f = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(f);
	return f;
}

START_TEST(output_that_cannot_be_written)
{
	char *argv[] = { arena_strdup(&a, "walletctl"), arena_strdup(&a, "--version"), NULL }, *none[] = { NULL };
	size_t n;
	struct ctl c = { .argv = argv, .env = none, .methods = rpc_methods, .out = full() };

	c.err = open_memstream(&said, &n);
	ck_assert_int_eq((int)ctl_run(&c), 2);
	fclose(c.err);
	fclose(c.out);
	assert_has(said, "walletctl: cannot write the answer: No space left on device");
}
END_TEST

/* --- secrets --- */

#define REFUSED "token is a secret, and a command line can be read by every user of this machine"

START_TEST(secrets_are_refused_in_words)
{
	static const char token[] = "cashuBsecret";

	ck_assert_int_eq(RUN("token.decode", token), 3);
	assert_has(said, REFUSED);
	ck_assert_int_eq(RUN("token", "decode", "token=cashuBsecret"), 3);
	assert_has(said, REFUSED);
	ck_assert_int_eq(RUN("token.decode", "--token=cashuBsecret"), 3);
	assert_has(said, REFUSED);
	ck_assert_int_eq(RUN("start", "cashu_receive", "token=cashuBsecret"), 3);
	assert_has(said, REFUSED);
	ck_assert_int_eq(RUN("action.start", "cashu_receive", "params={\"token\":\"cashuBsecret\"}"), 3);
	assert_has(said, REFUSED);
	ck_assert_int_eq(RUN("action.start", "params={\"token\":\"cashuBsecret\"}", "kind=cashu_receive"), 3);
	assert_has(said, REFUSED);
	ck_assert_int_eq(RUN("action.start", "cashu_receive", "{\"token\":\"cashuBsecret\"}"), 3);
	assert_has(said, REFUSED);
	ck_assert_ptr_null(strstr(said, token));
	ck_assert_int_eq(RUN("wallet.create", "passphrase=x"), 3);
	ck_assert_int_eq(RUN("wallet.restore", "mnemonic=abandon"), 3);
}
END_TEST

START_TEST(secrets_from_elsewhere)
{
	static const char wanted[] = "{\"kind\":\"cashu_receive\",\"params\":{\"token\":\"cashuBsecret\"}}";
	json_t *v;

	write_file("cashuBsecret\n");
	ck_assert_int_eq(RUN("--json", "token.decode", arena_printf(&a, "token=@%s", file_path)), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "token")), "cashuBsecret");
	input = "cashuBsecret\n";
	ck_assert_int_eq(RUN("--json", "token.decode", "-"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "token")), "cashuBsecret");
	input = "{\"token\":\"cashuBsecret\"}";
	ck_assert_int_eq(RUN("--json", "action.start", "cashu_receive", "params=@-"), 0);
	v = out_json();
	json_object_del(v, "id");
	json_object_del(v, "idempotency_key");
	ck_assert_str_eq(json_text(&a, v), wanted);
}
END_TEST

/* --- start --- */

START_TEST(start_reads_what_the_kind_takes)
{
	json_t *v;

	input = "cashuBsecret\n";
	ck_assert_int_eq(
		RUN("--json", "start", "cashu_receive", "token=-", "--trust", "unit=usd", "--idempotency-key=k"), 0);
	v = out_json();
	ck_assert_str_eq(json_text(&a, json_object_get(v, "params")),
			 "{\"token\":\"cashuBsecret\",\"trust\":true,\"unit\":\"usd\"}");
	ck_assert_str_eq(json_string_value(json_object_get(v, "kind")), "cashu_receive");
	ck_assert_str_eq(json_string_value(json_object_get(v, "wait")), "park");
	ck_assert_str_eq(json_string_value(json_object_get(v, "idempotency_key")), "k");
	input = "cashuBsecret\n";
	ck_assert_int_eq(RUN("--json", "start", "cashu_receive", "-", "dry_run=true"), 0);
	v = out_json();
	ck_assert(json_is_true(json_object_get(v, "dry_run")));
	ck_assert_ptr_null(json_object_get(v, "wait"));
	/* What action.start takes, said as there. */
	input = "cashuBsecret\n";
	ck_assert_int_eq(RUN("--json", "start", "cashu_receive", "-", "wait=done", "timeout_s=7"), 0);
	v = out_json();
	ck_assert_str_eq(json_string_value(json_object_get(v, "wait")), "done");
	ck_assert_int_eq(json_integer_value(json_object_get(v, "timeout_s")), 7);
}
END_TEST

static const struct {
	const char *words[3], *says;
	int code;
} bad_starts[] = {
	{ { "cashu_recieve" }, "there is no kind of action \"cashu_recieve\"; did you mean cashu_receive?", 3 },
	{ { "zzz" }, "there is no kind of action \"zzz\"\n", 3 },
	{ { "kind=cashu_receive" }, "start needs the kind of action first", 3 },
	{ { "cashu_receive" }, "token is missing", 3 },
	{ { "cashu_receive", "token=-", "unit=eur" }, "unit must be one of sat|usd", 3 },
	{ { "cashu_receive", "tokn=-" }, "unknown parameter \"tokn\"; did you mean token?", 3 },
	{ { "broken" }, "action.kinds: ", 2 },
};

START_TEST(bad_start)
{
	const char *words[8] = { "--socket", socket_path, "start" };

	for (size_t i = 0; i < 3 && bad_starts[_i].words[i]; i++)
		words[3 + i] = bad_starts[_i].words[i];
	input = "cashuBsecret";
	ck_assert_int_eq(run_words(words), bad_starts[_i].code);
	assert_has(said, bad_starts[_i].says);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(start_explains_a_kind)
{
	ck_assert_int_eq(RUN("start", "cashu_receive", "--help"), 0);
	assert_has(
		out,
		"Take a token.\n\nparameters:\n  token=    It. (- or @file)\n  [trust=]  A new mint. (true or false)\n"
		"  [unit=]   Unit. (sat|usd)\n"
		"\nof every start:\n  [dry_run=]          ");
	assert_has(out, "  [wait=]             Answer at once, when it first waits for something, or when it has ended."
			" (none|park|done; default: park)\n");
}
END_TEST

/* --- wait --- */

START_TEST(wait_until_done)
{
	ck_assert_int_eq(RUN("--json", "wait", "x1"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "status")), "done");
	ck_assert_int_eq(json_integer_value(json_object_get(out_json(), "asked")), 3);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(wait_until_failed)
{
	ck_assert_int_eq(RUN("wait", "fails"), 1);
	assert_has(out, "status  failed\n");
	ck_assert_int_eq(RUN("wait", "unknown"), 1);
	ck_assert_str_eq(said, "error: no\nkind: not_found\n");
}
END_TEST

START_TEST(wait_in_vain)
{
	ck_assert_int_eq(RUN("wait", "never", "--timeout=1"), 2);
	assert_has(said, "walletctl: the action has not ended yet: parked, waiting\n"
			 "walletctl: hint: it goes on by itself: walletctl action explain never\n");
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(start_and_wait)
{
	input = "cashuBsecret\n";
	ck_assert_int_eq(RUN("--json", "start", "cashu_receive", "token=-", "--wait"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "status")), "done");
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "id")), "act-1");
}
END_TEST

/* A daemon that is started again meanwhile is no failure of the action. */
START_TEST(wait_through_a_restart)
{
	pid_t restarter;
	int status;

	restarter = fork();
	ck_assert_int_ge(restarter, 0);
	if (restarter == 0) { /* the peer is not our child here: a signal is all it takes */
		usleep(300000);
		kill(peer_pid, SIGKILL);
		unlink(socket_path);
		usleep(500000);
		start_peer();
		usleep(3000000);
		kill(peer_pid, SIGKILL);
		_exit(0);
	}
	/* "never" would wait for ever; the time is up only after the new daemon has answered. */
	ck_assert_int_eq(RUN("wait", "never-restart", "--timeout=3"), 2);
	assert_has(said, "the action has not ended yet");
	ck_assert_int_eq(waitpid(restarter, &status, 0), restarter);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --- the rest --- */

START_TEST(export_is_one_file)
{
	ck_assert_int_eq(RUN("history", "export"), 0);
	ck_assert_str_eq(out, "head\r\n1\r\n2\r\n3\r\n");
	ck_assert_int_eq(RUN("history.export", "after=one", "limit=1"), 0);
	ck_assert_str_eq(out, "2\r\n");
	ck_assert_str_eq(said, "walletctl: more: after=two\n");
	ck_assert_int_eq(RUN("--json", "history.export"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "next")), "one");
}
END_TEST

START_TEST(qr_on_demand)
{
	ck_assert_int_eq(RUN("action.get", "x1"), 0);
	ck_assert_ptr_null(strstr(out, "█")); /* this is no terminal */
	ck_assert_int_eq(RUN("--qr", "action.get", "x1"), 0);
	assert_has(out, "request  lnbc1x\n███");
	ck_assert_int_eq(RUN("--qr", "--json", "action.get", "x1"), 0);
	ck_assert_ptr_null(strstr(out, "█"));
	ck_assert_int_eq(RUN("--qr", "action.get", "x1"), 0);
	assert_has(out, "status  done\n");
	ck_assert_ptr_null(strstr(out, "█")); /* it was paid */
}
END_TEST

START_TEST(help)
{
	ck_assert_int_eq(RUN("help"), 0);
	for (size_t i = 0; rpc_methods[i]; i++)
		assert_has(out, arena_printf(&a, "\n  %s ", rpc_methods[i]->name));
	for (size_t i = 0; rpc_methods[i]; i++) {
		ck_assert_int_eq(RUN("help", rpc_methods[i]->name), 0);
		assert_has(out, rpc_methods[i]->help);
		for (const struct param *p = rpc_methods[i]->params; p && p->name; p++)
			assert_has(out, arena_printf(&a, "%s=", p->name));
	}
}
END_TEST

/* --- completion, in a real bash --- */

static const struct {
	const char *line, *offers, *not ;
} completions[] = {
	{ "walletctl sta", " start status ", " wallet.create " },
	{ "walletctl wallet.c", " wallet.create ", " wallet.restore " },
	{ "walletctl wallet ", " create restore unlock lock info ", " status " },
	{ "walletctl --json wallet create ", " passphrase=- words= ", " create " },
	{ "walletctl wallet.create p", " passphrase=- ", " words= " },
	{ "walletctl history order=", " newest oldest ", " limit= " },
	{ "walletctl history o", " order=newest order=oldest ", " limit= " },
	{ "walletctl key create scope=sp", " spend ", " admin " },
	{ "walletctl help wallet.l", " wallet.lock ", " wallet.create " },
	{ "walletctl --so", " --socket= ", " --json " },
	{ "walletctl start ", " cashu_receive broken ", " status " },
	{ "walletctl start cashu_receive ", " token= trust= unit= --wait dry_run=true ", " cashu_receive " },
	{ "walletctl completion ", " bash ", " status " },
};

START_TEST(completion)
{
	char found[4096] = " ";
	size_t n;
	FILE *bash;

	ck_assert_int_eq(RUN("completion", "kinds"), 0);
	ck_assert_str_eq(out, "cashu_receive\nbroken\n");
	ck_assert_int_eq(RUN("completion", "kinds", "cashu_receive"), 0);
	ck_assert_str_eq(out, "token=\ntrust=\nunit=\n");
	ck_assert_int_eq(RUN("completion", "bash"), 0);
	write_file(arena_printf(
		&a,
		"walletctl() { if [[ $3 ]]; then printf 'token=\\ntrust=\\nunit=\\n';"
		" else printf 'cashu_receive\\nbroken\\n'; fi; }\n"
		"compopt() { :; }\n%s\n"
		"COMP_LINE='%s'; COMP_POINT=${#COMP_LINE}\n_walletctl; printf '%%s ' \"${COMPREPLY[@]}\"\n",
		out, completions[_i].line));
	bash = popen(arena_printf(&a, "bash %s 2>&1", file_path), "r");
	ck_assert_ptr_nonnull(bash);
	n = fread(found + 1, 1, sizeof(found) - 2, bash);
	found[n + 1] = '\0';
	ck_assert_int_eq(pclose(bash), 0);
	assert_has(found, completions[_i].offers);
	ck_assert_msg(!strstr(found, completions[_i].not ), "%s", found);
}
END_TEST

/* --- a real server --- */

static struct rpc_process server;

static void set_up_server(void)
{
	set_up();
	stop_peer();
	rpc_process_start(&server, 64);
	snprintf(socket_path, sizeof(socket_path), "%s", server.socket);
}

static void tear_down_server(void)
{
	rpc_process_stop(&server);
	tear_down();
}

START_TEST(real_calls)
{
	ck_assert_int_eq(RUN("--json", "status"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(out_json(), "wallet"), "state")),
			 "unlocked");
	ck_assert_int_eq(RUN("status"), 0);
	assert_has(out, "wallet:\n  state        unlocked\n");
	ck_assert_int_eq(RUN("rpc", "discover"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(out_json(), "info"), "title")), "walletd");
	ck_assert_int_eq(RUN("--json", "help", "action.start"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "name")), "action.start");
	ck_assert_int_eq(RUN("action", "kinds"), 0);
	assert_has(out, "KIND");
	ck_assert_int_eq(RUN("action", "get", "nothing-of-the-kind"), 1);
	assert_has(said, "kind: not_found\n");
	ck_assert_int_eq(RUN("mint", "list"), 0);
	ck_assert_str_eq(out, "mints  none\n");
}
END_TEST

START_TEST(real_actions)
{
	const char *id;

	ck_assert_int_eq(RUN("--json", "start", "cashu_send", "amount=5"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(out_json(), "status")), "parked");
	id = json_string_value(json_object_get(out_json(), "id"));
	ck_assert_int_eq(RUN("wait", id, "--timeout=1"), 2);
	assert_has(said, "the action has not ended yet: parked, created");
	ck_assert_int_eq(RUN("action", "cancel", id), 0);
	assert_has(out, "status       cancelled\n");
	ck_assert_int_eq(RUN("wait", id), 1);
	ck_assert_int_eq(RUN("start", "cashu_issue", "amount=7", "--wait"), 0);
	assert_has(out, "status       done\n");
	ck_assert_int_eq(RUN("start", "cashu_send", "amount=1001"), 1);
	assert_has(said, "error: there are 1000 sat\nkind: insufficient_funds\n");
	ck_assert_int_eq(RUN("--json", "start", "cashu_send", "amount=5", "--dry-run"), 0);
	ck_assert(json_is_true(json_object_get(out_json(), "dry_run")));
	ck_assert_int_eq(RUN("action", "list", "status=failed"), 0);
	assert_has(out, "ID ");
	assert_has(out, "cashu_send  cancelled  created");
}
END_TEST

START_TEST(real_tcp)
{
	const char *url = arena_printf(&a, "--rpc=http://127.0.0.1:%u", server.port);
	const char *cookie = arena_printf(&a, "--cookie-file=%s", file_path);
	const char *key = arena_printf(&a, "--key-file=%s", file_path);

	write_file(server.cookie);
	ck_assert_int_eq(run_words((const char *const[]){ url, cookie, "balance", NULL }), 0);
	write_file("__cookie__:0000000000000000000000000000000000000000000000000000000000000000");
	ck_assert_int_eq(run_words((const char *const[]){ url, cookie, "balance", NULL }), 2);
	assert_has(said, "walletctl: wrong key (HTTP 401): ");
	assert_has(said, "walletctl: hint: a new cookie is made at each start");
	ck_assert_int_eq(RUN("--json", "key", "create", "shop", "read"), 0);
	write_file(json_string_value(json_object_get(out_json(), "key")));
	ck_assert_int_eq(run_words((const char *const[]){ url, key, "balance", NULL }), 0);
	ck_assert_int_eq(run_words((const char *const[]){ url, key, "stop", NULL }), 1);
	assert_has(said, "kind: forbidden\n");
	ck_assert_int_eq(run_words((const char *const[]){ "--rpc=http://127.0.0.1:1", key, "balance", NULL }), 2);
	assert_has(said, "walletctl: nobody answers at http://127.0.0.1:1: ");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walletctl");
	TCase *t = tcase_create("scripted"), *real = tcase_create("real");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, trouble, 0, (int)ARRAY_LEN(troubles));
	tcase_add_test(t, parameters_arrive);
	tcase_add_test(t, mutating_calls_have_a_key);
	tcase_add_test(t, errors_as_json);
	tcase_add_test(t, wrong_usage);
	tcase_add_test(t, not_running);
	tcase_add_test(t, output_that_cannot_be_written);
	tcase_add_test(t, secrets_are_refused_in_words);
	tcase_add_test(t, secrets_from_elsewhere);
	tcase_add_test(t, start_reads_what_the_kind_takes);
	tcase_add_loop_test(t, bad_start, 0, (int)ARRAY_LEN(bad_starts));
	tcase_add_test(t, start_explains_a_kind);
	tcase_add_test(t, wait_until_done);
	tcase_add_test(t, wait_until_failed);
	tcase_add_test(t, wait_in_vain);
	tcase_add_test(t, start_and_wait);
	tcase_add_test(t, wait_through_a_restart);
	tcase_add_test(t, export_is_one_file);
	tcase_add_test(t, qr_on_demand);
	tcase_add_test(t, help);
	tcase_add_loop_test(t, completion, 0, (int)ARRAY_LEN(completions));
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(real, set_up_server, tear_down_server);
	tcase_set_timeout(real, 60);
	tcase_add_test(real, real_calls);
	tcase_add_test(real, real_actions);
	tcase_add_test(real, real_tcp);
	suite_add_tcase(s, real);
	return suite_run(s);
}
