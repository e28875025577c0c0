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

static void read_issue(struct arena *a, const json_t *nut4, struct mint_info *info)
{
	const json_t *methods = json_object_get(nut4, "methods"), *m;
	size_t i;

	info->issue_disabled = json_is_true(json_object_get(nut4, "disabled"));
	info->issue_bolt11 = ARENA_ARRAY(a, MINT_METHODS_MAX, struct mint_method);
	json_array_foreach(methods, i, m)
	{
		const char *method = json_string_value(json_object_get(m, "method"));
		const char *unit = json_string_value(json_object_get(m, "unit"));
		struct mint_method entry = { .max = AMOUNT_MAX };

		if (info->n_issue_bolt11 == MINT_METHODS_MAX)
			break;
		if (method == NULL || strcmp(method, "bolt11") != 0 || unit == NULL ||
		    !currency_parse(unit, &entry.unit) || !read_limit(json_object_get(m, "min_amount"), &entry.min) ||
		    !read_limit(json_object_get(m, "max_amount"), &entry.max))
			continue;
		info->issue_bolt11[info->n_issue_bolt11++] = entry;
	}
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
	}
	if (!info->caches_swap && !info->caches_issue)
		return;
	info->cache_ttl_s = json_is_integer(ttl) && json_integer_value(ttl) >= 0 ? json_integer_value(ttl) : -1;
}

static void info_read(struct arena *a, const json_t *v, struct mint_info *ret)
{
	const json_t *nuts = json_object_get(v, "nuts");
	struct mint_info info = {
		.name = plain_text(a, json_object_get(v, "name")),
		.version = plain_text(a, json_object_get(v, "version")),
		.state_check = supported(nuts, "7"),
		.restore = supported(nuts, "9"),
		.dleq = supported(nuts, "12"),
		.quote_lock = supported(nuts, "20"),
	};

	read_issue(a, json_object_get(nuts, "4"), &info);
	read_cache(json_object_get(nuts, "19"), &info);
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

const struct mint_method *mint_info_issue_method(const struct mint_info *info, struct currency unit)
{
	if (info->issue_disabled)
		return NULL;
	for (size_t i = 0; i < info->n_issue_bolt11; i++)
		if (currency_equal(info->issue_bolt11[i].unit, unit))
			return &info->issue_bolt11[i];
	return NULL;
}
