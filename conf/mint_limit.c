#include "conf/mint_limit.h"

#include <string.h>

#include "base/text.h"

#define AMOUNT_DIGITS 19

/* The next word: *p moves behind it and the blanks that follow. */
static size_t word(const char **p, const char **ret)
{
	size_t n = strcspn(*p, " \t");

	*ret = *p;
	*p += n;
	*p += strspn(*p, " \t");
	return n;
}

static bool amount_parse(const char *text, size_t n, uint64_t *ret)
{
	char digits[AMOUNT_DIGITS + 1];

	if (n == 0 || n > AMOUNT_DIGITS)
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	return parse_u64(digits, INT64_MAX, ret) && *ret > 0;
}

int conf_mint_limit_read(const char *entry, struct conf_mint_limit *ret, struct err *err)
{
	struct conf_mint_limit limit = { .amount = 0 };
	const char *p = entry, *amount, *unit, *url;
	size_t n_amount = word(&p, &amount), n_unit = word(&p, &unit), n_url;

	if (!amount_parse(amount, n_amount, &limit.amount))
		return ERR(err, ERR_CONFIG, "does not begin with an amount of at least 1");
	if (n_unit == 0 || n_unit > CONF_UNIT_MAX)
		return ERR(err, ERR_CONFIG, "has no unit, such as sat, behind its amount");
	memcpy(limit.unit, unit, n_unit);
	url = p;
	n_url = strcspn(url, " \t");
	if (url[n_url + strspn(url + n_url, " \t")] != '\0')
		return ERR(err, ERR_CONFIG, "has more than an amount, a unit and a mint");
	if (n_url && !text_starts(url, "https://") && !text_starts(url, "http://"))
		return ERR(err, ERR_CONFIG, "names a mint that is no URL");
	limit.url = n_url ? url : NULL;
	*ret = limit;
	return 0;
}

int conf_mint_limit_check(const char *entry, struct err *err)
{
	struct conf_mint_limit ignored;

	return conf_mint_limit_read(entry, &ignored, err);
}
