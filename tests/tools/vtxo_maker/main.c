/* Makes VTXOs with both parties' keys: a plan on standard input, what came of it on standard output (plan.h).
 *
 * For tests that fund them on a chain of their own.  The keys are in the plan, so that nothing of worth may hang on them. */
#include <stdio.h>

#include "base/rng.h"
#include "base/secret.h"
#include "rails/bitcoin/secp.h"
#include "tests/tools/vtxo_maker/plan.h"

#define PLAN_TEXT_MAX ((size_t)4 * 1024 * 1024)

static int fail(const struct err *err)
{
	fprintf(stderr, "walletd-vtxo-maker: %s\n", err->msg);
	return 1;
}

int main(void)
{
	static const struct json_rules rules = { .max_depth = 16, .max_values = JSON_VALUES_MAX };
	SCOPED(arena) struct arena a = ARENA_LIMIT(VTXO_PLAN_ROOM + PLAN_TEXT_MAX);
	uint8_t *text, blind[32];
	json_t *plan, *result;
	struct bytes input;
	struct err err;

	if (!secret_init())
		return 1;
	rng_bytes(blind, sizeof(blind));
	if (!secp_init(blind))
		return 1;
	text = arena_alloc(&a, PLAN_TEXT_MAX);
	input = (struct bytes){ text, fread(text, 1, PLAN_TEXT_MAX, stdin) };
	if (!feof(stdin)) {
		fprintf(stderr, "walletd-vtxo-maker: cannot read a plan of at most %zu bytes\n", PLAN_TEXT_MAX);
		return 1;
	}
	if (json_parse_by(&a, input, &rules, &plan, &err) != 0 || vtxo_plan_run(&a, plan, &result, &err) != 0)
		return fail(&err);
	return puts(json_text(&a, result)) < 0 || fflush(stdout) != 0;
}
