#include "rails/lightning/bolt12_text.h"

#include <string.h>

#include "rails/bitcoin/bech32.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_character(char c)
{
	uint8_t ignored;

	return c == '1' || bech32_group_of(c, &ignored);
}

/* Before BOLT 12's prefixes are checked, 'l', 'n', 'o' and so on are letters; 'o' and 'i' are not Bech32's. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool may_join(char c)
{
	return is_character(c) || is_letter(c);
}

/* Without its joints.  ERR_INVOICE: longer than it may be, or a joint that joins nothing. */
static int unfold(struct arena *a, const char *text, char **ret, struct err *err)
{
	size_t n = strnlen(text, BOLT12_TEXT_MAX + 1), n_out = 0;
	char *out;

	if (n > BOLT12_TEXT_MAX)
		return ERR(err, ERR_INVOICE, "longer than %d characters", BOLT12_TEXT_MAX);
	out = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '+') {
			out[n_out++] = text[i];
			continue;
		}
		if (i == 0 || !may_join(text[i - 1]))
			return ERR(err, ERR_INVOICE, "the '+' at %zu joins nothing", i + 1);
		while (is_space(text[i + 1]))
			i++;
		if (!may_join(text[i + 1]))
			return ERR(err, ERR_INVOICE, "the '+' at %zu joins nothing", i + 1);
	}
	*ret = out;
	return 0;
}

static int check_case(const char *text, struct err *err)
{
	bool small = false, capital = false;

	for (const char *c = text; *c != '\0'; c++) {
		small = small || (*c >= 'a' && *c <= 'z');
		capital = capital || (*c >= 'A' && *c <= 'Z');
	}
	if (small && capital)
		return ERR(err, ERR_INVOICE, "small and capital letters are mixed");
	return 0;
}

static bool begins(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < n; i++)
		if (text[i] != prefix[i] && text[i] != prefix[i] - 'a' + 'A')
			return false;
	return text[n] == '1';
}

bool bolt12_text_is(const char *text, const char *prefix)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(2 * BOLT12_TEXT_MAX);
	struct err ignored;
	char *plain;

	return unfold(&a, text, &plain, &ignored) == 0 && begins(plain, prefix);
}

int bolt12_text_decode(struct arena *a, const char *text, const char *prefix, struct bytes *ret, struct err *err)
{
	struct bytes groups;
	uint8_t *to;
	char *plain;

	if (unfold(a, text, &plain, err) != 0 || check_case(plain, err) != 0)
		return -1;
	if (!begins(plain, prefix))
		return ERR(err, ERR_INVOICE, "it does not begin with %s1", prefix);
	plain += strlen(prefix) + 1;
	to = arena_alloc(a, strlen(plain) + 1);
	for (size_t i = 0; plain[i] != '\0'; i++)
		if (!bech32_group_of(plain[i], &to[i]))
			return ERR(err, ERR_INVOICE, "character %zu of its data is not one of Bech32's", i + 1);
	groups = (struct bytes){ to, strlen(plain) };
	if (bech32_bytes_of(a, groups, ret, err) != 0)
		return ERR(err, ERR_INVOICE, "the last bits are filled with something");
	return 0;
}

char *bolt12_text_encode(struct arena *a, const char *prefix, struct bytes v)
{
	struct bytes groups = bech32_groups_of(a, v);
	size_t n = strlen(prefix);
	char *text = arena_alloc(a, n + 1 + groups.n + 1);

	memcpy(text, prefix, n);
	text[n] = '1';
	for (size_t i = 0; i < groups.n; i++)
		text[n + 1 + i] = bech32_char_of(groups.p[i]);
	return text;
}
