#include "rails/cashu/mint_info.h"

#include <string.h>

#include "base/json.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

#define INFO_DEPTH_MAX 12

void mint_info_request(struct arena *a, const char *mint, struct net_request *ret)
{
	wire_get(mint_url_join(a, mint, "/v1/info"), ret);
}

/* For people, from a stranger: cut, and anything that is not plain text replaced. */
static const char *plain_text(struct arena *a, const json_t *v)
{
	const char *from = json_string_value(v);
	char *to = arena_strndup(a, from == NULL ? "" : from, from == NULL ? 0 : strnlen(from, MINT_NAME_MAX));

	for (char *p = to; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return to;
}

static bool supported(const json_t *nuts, const char *nut)
{
	return json_is_true(json_object_get(json_object_get(nuts, nut), "supported"));
}

/* An optional limit: false when it is there and is no amount. */
static bool read_limit(const json_t *v, uint64_t *to)
{
	if (v == NULL || json_is_null(v))
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*to = (uint64_t)json_integer_value(v);
	return true;
}

struct methods {
	bool disabled;
	struct mint_method *bolt11;
	size_t n;
};

/* NUT-04 and NUT-05 describe theirs alike. */
static struct methods read_methods(struct arena *a, const json_t *nut)
{
	const json_t *methods = json_object_get(nut, "methods"), *m;
	struct methods ret = { .disabled = json_is_true(json_object_get(nut, "disabled")),
			       .bolt11 = ARENA_ARRAY(a, MINT_METHODS_MAX, struct mint_method) };
	size_t i;

	json_array_foreach(methods, i, m)
	{
		const char *method = json_string_value(json_object_get(m, "method"));
		const char *unit = json_string_value(json_object_get(m, "unit"));
		struct mint_method entry = { .max = AMOUNT_MAX };

		if (ret.n == MINT_METHODS_MAX)
			break;
		if (method == NULL || strcmp(method, "bolt11") != 0 || unit == NULL ||
		    !currency_parse(unit, &entry.unit) || !read_limit(json_object_get(m, "min_amount"), &entry.min) ||
		    !read_limit(json_object_get(m, "max_amount"), &entry.max))
			continue;
		entry.amountless = json_is_true(json_object_get(json_object_get(m, "options"), "amountless"));
		ret.bolt11[ret.n++] = entry;
	}
	return ret;
}

static void read_cache(const json_t *nut19, struct mint_info *info)
{
	const json_t *ttl = json_object_get(nut19, "ttl"), *e;
	size_t i;

	json_array_foreach(json_object_get(nut19, "cached_endpoints"), i, e)
	{
		const char *method = json_string_value(json_object_get(e, "method"));
		const char *path = json_string_value(json_object_get(e, "path"));

		if (method == NULL || path == NULL || strcmp(method, "POST") != 0)
			continue;
		info->caches_swap |= strcmp(path, "/v1/swap") == 0;
		info->caches_issue |= strcmp(path, "/v1/mint/bolt11") == 0;
		info->caches_melt |= strcmp(path, "/v1/melt/bolt11") == 0;
	}
	if (!info->caches_swap && !info->caches_issue && !info->caches_melt)
		return;
	info->cache_ttl_s = json_is_integer(ttl) && json_integer_value(ttl) >= 0 ? json_integer_value(ttl) : -1;
}

static void read_batch(const json_t *nut29, struct mint_info *info)
{
	const json_t *methods = json_object_get(nut29, "methods"), *max = json_object_get(nut29, "max_batch_size"), *m;
	size_t i;

	info->batch_max = CASHU_LIST_MAX;
	info->batch_bolt11 = json_is_object(nut29) && !json_is_array(methods); /* not listed: all that can be issued */
	json_array_foreach(methods, i, m)
		info->batch_bolt11 |= json_is_string(m) && strcmp(json_string_value(m), "bolt11") == 0;
	if (json_is_integer(max) && json_integer_value(max) >= 0 && json_integer_value(max) < CASHU_LIST_MAX)
		info->batch_max = (size_t)json_integer_value(max);
}

static void info_read(struct arena *a, const json_t *v, struct mint_info *ret)
{
	const json_t *nuts = json_object_get(v, "nuts");
	struct methods issue = read_methods(a, json_object_get(nuts, "4"));
	struct methods melt = read_methods(a, json_object_get(nuts, "5"));
	struct mint_info info = {
		.name = plain_text(a, json_object_get(v, "name")),
		.version = plain_text(a, json_object_get(v, "version")),
		.issue_disabled = issue.disabled,
		.issue_bolt11 = issue.bolt11,
		.n_issue_bolt11 = issue.n,
		.melt_disabled = melt.disabled,
		.melt_bolt11 = melt.bolt11,
		.n_melt_bolt11 = melt.n,
		.state_check = supported(nuts, "7"),
		.restore = supported(nuts, "9"),
		.p2pk = supported(nuts, "10") && supported(nuts, "11"),
		.htlc = supported(nuts, "10") && supported(nuts, "14"),
		.dleq = supported(nuts, "12"),
		.quote_lock = supported(nuts, "20"),
	};

	read_cache(json_object_get(nuts, "19"), &info);
	read_batch(json_object_get(nuts, "29"), &info);
	*ret = info;
}

int mint_info_decode(struct arena *a, const struct net_reply *rep, struct mint_info *ret, struct err *err)
{
	json_t *v;

	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (!json_is_object(json_object_get(v, "nuts")))
		return ERR(err, ERR_PEER_INVALID, "the mint's information lists no NUTs");
	info_read(a, v, ret);
	return 0;
}

int mint_info_parse(struct arena *a, struct bytes json, struct mint_info *ret, struct err *err)
{
	json_t *v;

	if (json_parse(a, json, INFO_DEPTH_MAX, &v, err) != 0)
		return err_context(err, "mint information");
	if (!json_is_object(v))
		return ERR(err, ERR_PARSE, "mint information: not a JSON object");
	info_read(a, v, ret);
	return 0;
}

static const struct mint_method *method_of(const struct mint_method *list, size_t n, struct currency unit)
{
	for (size_t i = 0; i < n; i++)
		if (currency_equal(list[i].unit, unit))
			return &list[i];
	return NULL;
}

const struct mint_method *mint_info_issue_method(const struct mint_info *info, struct currency unit)
{
	return info->issue_disabled ? NULL : method_of(info->issue_bolt11, info->n_issue_bolt11, unit);
}

const struct mint_method *mint_info_melt_method(const struct mint_info *info, struct currency unit)
{
	return info->melt_disabled ? NULL : method_of(info->melt_bolt11, info->n_melt_bolt11, unit);
}
