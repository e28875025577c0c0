/* rpc/walletctl/cmdline.c: what a command line asks for. */
#include "rpc/walletctl/cmdline.h"

#include <string.h>

#include "tests/support/suite.h"

static struct arena a;

static void set_up(void)
{
	a = ARENA_LIMIT(1 << 20);
}

static void tear_down(void)
{
	arena_done(&a);
}

/* What matters of the result, in one line: command, method, arguments, options. */
static const char *said(const struct cmdline *c)
{
	static const char *const commands[] = { "", "call", "wait", "start", "help", "completion", "version" };
	const char *text = arena_printf(&a, "%s %s", commands[c->command], c->method ? c->method->name : "-");

	for (size_t i = 0; i < c->args.n; i++)
		text = arena_printf(&a, "%s %s%s%s", text, c->args.list[i].name ? c->args.list[i].name : "",
				    c->args.list[i].name ? ":" : "",
				    c->args.list[i].value ? c->args.list[i].value : "(bare)");
	if (c->json)
		text = arena_printf(&a, "%s +json", text);
	if (c->wait)
		text = arena_printf(&a, "%s +wait", text);
	if (c->help)
		text = arena_printf(&a, "%s +help", text);
	if (c->qr != QR_ON_TERMINAL)
		text = arena_printf(&a, "%s +%s", text, c->qr == QR_ALWAYS ? "qr" : "noqr");
	if (c->timeout_s)
		text = arena_printf(&a, "%s +%ds", text, (int)c->timeout_s);
	if (c->at.socket)
		text = arena_printf(&a, "%s socket=%s", text, c->at.socket);
	if (c->at.url)
		text = arena_printf(&a, "%s rpc=%s", text, c->at.url);
	if (c->at.key_file)
		text = arena_printf(&a, "%s key=%s", text, c->at.key_file);
	return text;
}

#define WORDS(...)                                                                                                     \
	{                                                                                                              \
		"walletctl", __VA_ARGS__, NULL                                                                         \
	}

static const struct {
	const char *words[10];
	const char *said; /* or the error */
} lines[] = {
	{ WORDS("status"), "call status" },
	{ WORDS("wallet.create", "words=24"), "call wallet.create words:24" },
	{ WORDS("wallet", "create", "--words=24"), "call wallet.create words:24" },
	{ WORDS("wallet", "--json", "create"), "call wallet.create +json" },
	{ WORDS("--json", "mint", "add", "https://m.example/?a=b"), "call mint.add https://m.example/?a=b +json" },
	{ WORDS("outbox", "cancel-slot", "1", "17"), "call outbox.cancel_slot 1 17" },
	{ WORDS("outbox.nonce-advance", "to=5"), "call outbox.nonce_advance to:5" },
	{ WORDS("outbox", "nonce_advance", "--to=5"), "call outbox.nonce_advance to:5" },
	{ WORDS("help", "outbox", "cancel-slot"), "help outbox.cancel_slot outbox cancel-slot" },
	{ WORDS("mint.add", "--timeout-s=5", "--timeout=7", "u"), "call mint.add timeout_s:5 u +7s" },
	{ WORDS("history"), "call history" },
	{ WORDS("history", "export", "format=csv"), "call history.export format:csv" },
	{ WORDS("history", "ecash", "export"), "call history ecash export" },
	{ WORDS("history", "--internal"), "call history internal:(bare)" },
	{ WORDS("action.start", "--wait=park", "kind=x"), "call action.start wait:park kind:x" },
	{ WORDS("action.get", "--", "--json"), "call action.get --json" },
	{ WORDS("log", "level", "debug", "-"), "call log.level debug -" },
	{ WORDS("--socket", "/s", "status"), "call status socket=/s" },
	{ WORDS("--socket=/s", "status"), "call status socket=/s" },
	{ WORDS("status", "--socket="), "call status socket=" },
	{ WORDS("--rpc=http://127.0.0.1:1", "--key-file", "-", "status"), "call status rpc=http://127.0.0.1:1 key=-" },
	{ WORDS("start", "cashu_send", "amount=3", "--wait", "--dry-run"),
	  "start - cashu_send amount:3 dry_run:(bare) +wait" },
	{ WORDS("start", "k", "--anything=1", "--no-qr"), "start - k anything:1 +noqr" },
	{ WORDS("start", "k", "--wait=park"), "start - k wait:park" },
	{ WORDS("start", "k", "wait=done", "--json"), "start - k wait:done +json" },
	{ WORDS("start", "k", "--help"), "start - k +help" },
	{ WORDS("pay", "lnbc1x"), "start - cashu_melt invoice:lnbc1x +wait" },
	{ WORDS("pay", "lightning:LNBC1X", "max_fee=5", "--dry-run"),
	  "start - cashu_melt invoice:lightning:LNBC1X max_fee:5 dry_run:(bare) +wait" },
	{ WORDS("--json", "pay", "--wait", "lnbc1x"), "start - cashu_melt invoice:lnbc1x +json +wait" },
	{ WORDS("pay", "creqAx", "mint=m"), "start - cashu_send request:creqAx mint:m" },
	{ WORDS("pay", "creqAx", "--wait"), "start - cashu_send request:creqAx +wait" },
	{ WORDS("pay", "lnbc1x", "--help"), "start - cashu_melt invoice:lnbc1x +wait +help" },
	{ WORDS("pay", "--help"), "help -" },
	{ WORDS("wait", "0190b6f2-7c1e", "--timeout=30"), "wait - 0190b6f2-7c1e +30s" },
	{ WORDS("wait", "17"), "call wait 17" },
	{ WORDS("wait", "after=17"), "call wait after:17" },
	{ WORDS("help"), "help -" },
	{ WORDS("--help"), "help -" },
	{ WORDS("-h"), "help -" },
	{ WORDS("start", "--help"), "help -" },
	{ WORDS("help", "start"), "help - start" },
	{ WORDS("help", "pay"), "help - pay" },
	{ WORDS("help", "wait"), "help wait wait" },
	{ WORDS("help", "start", "cashu_send"), "start - cashu_send +help" },
	{ WORDS("help", "wallet.create"), "help wallet.create wallet.create" },
	{ WORDS("help", "wallet", "create"), "help wallet.create wallet create" },
	{ WORDS("wallet", "create", "--help"), "help wallet.create" },
	{ WORDS("help", "status", "--json"), "call help status +json" },
	{ WORDS("completion", "bash"), "completion - bash" },
	{ WORDS("--version"), "version -" },
	{ WORDS("-V"), "version -" },
	{ WORDS("status", "--qr"), "call status +qr" },

	{ { "walletctl", NULL }, "!what shall be done?" },
	{ WORDS("--json"), "!what shall be done?" },
	{ WORDS("pay"), "!pay what? An invoice (lnbc…) or a payment request (creqA…) comes first" },
	{ WORDS("pay", "max_fee=5"), "!pay what? An invoice (lnbc…) or a payment request (creqA…) comes first" },
	{ WORDS("balnce"), "!there is no command \"balnce\"; did you mean balance?" },
	{ WORDS("outbox", "cancel-slt"),
	  "!there is no command \"outbox.cancel_slt\"; did you mean outbox.cancel_slot?" },
	{ WORDS("wallet", "creat"), "!there is no command \"wallet.creat\"; did you mean wallet.create?" },
	{ WORDS("backup"), "!backup what? There are create, verify" },
	{ WORDS("qqqqqqq"), "!there is no command \"qqqqqqq\"" },
	{ WORDS("help", "balnce"), "!there is no command \"balnce\"; did you mean balance?" },
	{ WORDS("help", "wallet", "create", "x"), "!there is no command \"wallet\"; did you mean wallet.create?" },
	{ WORDS("--jsn", "status"), "!unknown option --jsn; did you mean --json?" },
	{ WORDS("wallet.create", "--wrds=24"), "!unknown option --wrds; did you mean --words?" },
	{ WORDS("status", "--wait"), "!--wait goes with start" },
	{ WORDS("status", "--json=1"), "!--json takes no value" },
	{ WORDS("status", "--socket"), "!--socket needs a value" },
	{ WORDS("--socket=/a", "--socket=/b", "status"), "!--socket was given twice" },
	{ WORDS("status", "--timeout=0"), "!--timeout must be seconds, from 1 to 31536000" },
	{ WORDS("status", "--timeout=5s"), "!--timeout must be seconds, from 1 to 31536000" },
};

START_TEST(line)
{
	char *argv[10] = { NULL };
	struct cmdline c;
	const char *text;
	struct err err;

	for (size_t i = 0; lines[_i].words[i]; i++)
		argv[i] = arena_strdup(&a, lines[_i].words[i]);
	if (cmdline_parse(&a, argv, rpc_methods, &c, &err) != 0) {
		ck_assert_int_eq(err.code, ERR_PARAM);
		text = arena_printf(&a, "!%s", err.msg);
	} else {
		text = said(&c);
		if (!c.method && text[strlen(text) - 1] == ' ')
			ck_abort_msg("%s", text);
	}
	ck_assert_str_eq(text, lines[_i].said);
}
END_TEST

/* A parameter goes before an option of its name, so an option of ours that a method uses could not be given with it.
 * `wait` of an action is the one: start has the option, action.start the parameter. */
START_TEST(options_and_parameters_do_not_meet)
{
	SCOPED(buf) struct buf words = BUF_CAP(4096);

	cmdline_option_words_add(&words);
	buf_text_add(&words, " ");
	for (size_t i = 0; rpc_methods[i]; i++)
		for (const struct param *p = rpc_methods[i]->params; p && p->name; p++) {
			const char *bare = arena_printf(&a, "--%s ", p->name),
				   *valued = arena_printf(&a, "--%s=", p->name);

			if (strcmp(p->name, "wait") != 0)
				ck_assert_msg(!strstr(buf_text(&words), bare) && !strstr(buf_text(&words), valued),
					      "%s: %s", rpc_methods[i]->name, p->name);
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walletctl/cmdline");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, line, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(t, options_and_parameters_do_not_meet);
	suite_add_tcase(s, t);
	return suite_run(s);
}
