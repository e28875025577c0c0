#include "daemon/cashu_config.h"

#include <string.h>

#include "conf/mint_limit.h"
#include "rails/cashu/mint_url.h"

static int bad_limit(struct err *err, const char *entry)
{
	err->code = ERR_CONFIG;
	err->class = err_class_of(ERR_CONFIG);
	err_context(err, "cashu_mint_limit=%s", entry);
	return err_field(err, "cashu_mint_limit");
}

static int limit_read(struct arena *a, const char *entry, struct mint_limit *ret, struct err *err)
{
	char *url = arena_alloc(a, MINT_URL_MAX + 1);
	struct conf_mint_limit c;

	if (conf_mint_limit_read(entry, &c, err) != 0)
		return bad_limit(err, entry);
	if (!currency_parse(c.unit, &ret->unit)) {
		ERR(err, ERR_CONFIG, "a unit is 1 to 15 characters of a-z, 0-9, '-' and '_'");
		return bad_limit(err, entry);
	}
	ret->max = c.amount;
	ret->mint = NULL;
	if (!c.url)
		return 0;
	if (mint_url_normalise(c.url, url, err) != 0)
		return bad_limit(err, entry);
	ret->mint = url;
	return 0;
}

static bool same_scope(const struct mint_limit *x, const struct mint_limit *y)
{
	if (!currency_equal(x->unit, y->unit) || (x->mint == NULL) != (y->mint == NULL))
		return false;
	return x->mint == NULL || strcmp(x->mint, y->mint) == 0;
}

int cashu_config_policy(struct arena *a, const struct config *conf, struct action_policy *ret, struct err *err)
{
	struct mint_limit *limits = ARENA_ARRAY(a, conf->cashu_mint_limit.n, struct mint_limit);

	for (size_t i = 0; i < conf->cashu_mint_limit.n; i++) {
		const char *entry = conf->cashu_mint_limit.items[i];

		if (limit_read(a, entry, &limits[i], err) != 0)
			return -1;
		for (size_t k = 0; k < i; k++) {
			if (!same_scope(&limits[i], &limits[k]))
				continue;
			ERR(err, ERR_CONFIG, "another line says the same of the same mint and unit");
			return bad_limit(err, entry);
		}
	}
	ret->require_dleq = conf->cashu_require_dleq;
	ret->trust_any_mint = conf->cashu_trust == CONF_TRUST_ANY;
	ret->mint_limits = limits;
	ret->n_mint_limits = conf->cashu_mint_limit.n;
	return 0;
}
