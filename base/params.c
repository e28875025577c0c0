#include "base/params.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define STRING_MAX 4096

struct limits {
	int64_t min, max;
};

/* min and max both 0: what the type itself can bear. */
static struct limits limits_of(const struct param *p)
{
	if (p->min != 0 || p->max != 0)
		return (struct limits){ p->min, p->max };
	switch (p->type) {
	case PARAM_STRING:
	case PARAM_SECRET:
		return (struct limits){ 1, STRING_MAX };
	case PARAM_INT:
		return (struct limits){ INT64_MIN, INT64_MAX };
	case PARAM_ARRAY:
		return (struct limits){ 0, JSON_VALUES_MAX };
	case PARAM_BOOL:
	case PARAM_ENUM:
	case PARAM_OBJECT:
		return (struct limits){ 0, 0 };
	}
	abort();
}

/* The words of "a|b|c" as a list that ends with NULL. */
static const char *const *choice_list(struct arena *a, const char *choices)
{
	const char **list = ARENA_ARRAY(a, strlen(choices) + 2, const char *);
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(choices, "|");

		list[n++] = arena_strndup(a, choices, len);
		if (choices[len] == '\0')
			return list;
		choices += len + 1;
	}
}

const char *nearest_name(const char *name, const char *const *names)
{
	size_t len = strlen(name);
	unsigned best = UINT_MAX;
	const char *nearest = NULL;

	for (; *names != NULL; names++) {
		unsigned distance = text_distance(name, *names);

		/* A name begun or a name with a tail is as good a hint as one wrong letter. */
		if (len >= 3 && (text_starts(*names, name) || text_starts(name, *names)))
			distance = 1;
		if (distance < best && distance <= (len + 2) / 3) {
			best = distance;
			nearest = *names;
		}
	}
	return nearest;
}

#define WRONG(err, p, ...) ((void)ERR((err), ERR_PARAM, __VA_ARGS__), (void)err_field((err), (p)->name), -1)

static int check_length(const struct param *p, size_t n, const char *unit, struct err *err)
{
	struct limits l = limits_of(p);

	if (n < (uint64_t)l.min || n > (uint64_t)l.max)
		return WRONG(err, p, "%s has %zu %s, not %" PRId64 " to %" PRId64, p->name, n, unit, l.min, l.max);
	return 0;
}

static int check_integer(const struct param *p, const json_t *v, struct err *err)
{
	struct limits l = limits_of(p);

	if (!json_is_integer(v))
		return WRONG(err, p, "%s must be an integer%s", p->name,
			     p->flags & PARAM_DECIMAL ? ", as a number or as decimal text" : "");
	if (json_integer_value(v) < l.min || json_integer_value(v) > l.max)
		return WRONG(err, p, "%s must be from %" PRId64 " to %" PRId64, p->name, l.min, l.max);
	return 0;
}

static int check_choice(struct arena *a, const struct param *p, const json_t *v, struct err *err)
{
	const char *const *list = choice_list(a, p->choices);
	const char *nearest;

	if (!json_is_string(v))
		return WRONG(err, p, "%s must be one of %s", p->name, p->choices);
	for (size_t i = 0; list[i] != NULL; i++)
		if (strcmp(list[i], json_string_value(v)) == 0)
			return 0;
	nearest = nearest_name(json_string_value(v), list);
	if (nearest != NULL)
		return WRONG(err, p, "%s must be one of %s; did you mean %s?", p->name, p->choices, nearest);
	return WRONG(err, p, "%s must be one of %s", p->name, p->choices);
}

/* No message quotes a value: it may be a secret under the wrong name. */
static int check_value(struct arena *a, const struct param *p, const json_t *v, struct err *err)
{
	switch (p->type) {
	case PARAM_STRING:
	case PARAM_SECRET:
		if (!json_is_string(v))
			return WRONG(err, p, "%s must be a string", p->name);
		return check_length(p, json_string_length(v), "bytes", err);
	case PARAM_INT:
		return check_integer(p, v, err);
	case PARAM_BOOL:
		return json_is_boolean(v) ? 0 : WRONG(err, p, "%s must be true or false", p->name);
	case PARAM_ENUM:
		return check_choice(a, p, v, err);
	case PARAM_OBJECT:
		return json_is_object(v) ? 0 : WRONG(err, p, "%s must be an object", p->name);
	case PARAM_ARRAY:
		if (!json_is_array(v))
			return WRONG(err, p, "%s must be a list", p->name);
		return check_length(p, json_array_size(v), "items", err);
	}
	abort();
}

static size_t count(const struct param *table)
{
	size_t n = 0;

	while (table[n].name != NULL)
		n++;
	return n;
}

static int unknown_name(struct arena *a, const struct param *table, const char *name, struct err *err)
{
	const char **names = ARENA_ARRAY(a, count(table) + 1, const char *);
	const char *nearest;

	for (size_t i = 0; table[i].name != NULL; i++)
		names[i] = table[i].name;
	nearest = nearest_name(name, names);
	if (nearest != NULL)
		(void)ERR(err, ERR_PARAM, "unknown parameter \"%.64s\"; did you mean %s?", name, nearest);
	else
		(void)ERR(err, ERR_PARAM, "unknown parameter \"%.64s\"", name);
	return err_field(err, name);
}

static int check_names(struct arena *a, const struct param *table, json_t *params, struct err *err)
{
	const char *name;
	json_t *v;

	json_object_foreach(params, name, v)
	{
		size_t i = 0;

		while (table[i].name != NULL && strcmp(table[i].name, name) != 0)
			i++;
		if (table[i].name == NULL)
			return unknown_name(a, table, name, err);
	}
	return 0;
}

/* Decimal text that fits becomes the integer; anything else stays what it is, and is refused as that. */
static json_t *integer_of(struct arena *a, const struct param *p, json_t *v)
{
	int64_t number;

	if (!(p->flags & PARAM_DECIMAL) || !json_is_string(v) ||
	    !parse_i64(json_string_value(v), INT64_MIN, INT64_MAX, &number))
		return v;
	return json_hold(a, json_integer(number));
}

int params_check(struct arena *a, const struct param *table, json_t *params, json_t **ret, struct err *err)
{
	json_t *checked = json_object_in(a);
	bool positional = json_is_array(params);

	if (params != NULL && !positional && !json_is_object(params))
		return ERR(err, ERR_PARAM, "params must be an object or a list");
	if (positional && json_array_size(params) > count(table))
		return ERR(err, ERR_PARAM, "%zu parameters given, at most %zu taken", json_array_size(params),
			   count(table));
	if (!positional && check_names(a, table, params, err) != 0)
		return -1;
	for (size_t i = 0; table[i].name != NULL; i++) {
		json_t *v = positional ? json_array_get(params, i) : json_object_get(params, table[i].name);

		if (v == NULL || json_is_null(v)) {
			if (table[i].flags & PARAM_REQUIRED)
				return WRONG(err, &table[i], "%s is missing", table[i].name);
			continue;
		}
		v = integer_of(a, &table[i], v);
		if (check_value(a, &table[i], v, err) != 0)
			return -1;
		json_set(checked, table[i].name, v);
	}
	*ret = checked;
	return 0;
}

static void add_limits(json_t *schema, const struct param *p, const char *min_name, const char *max_name)
{
	struct limits l = limits_of(p);

	json_set_int(schema, min_name, l.min);
	json_set_int(schema, max_name, l.max);
}

static json_t *integer_or_text(struct arena *a)
{
	json_t *types = json_array_in(a);

	json_add_take(types, json_string("integer"));
	json_add_take(types, json_string("string"));
	return types;
}

json_t *param_schema(struct arena *a, const struct param *p)
{
	json_t *schema = json_object_in(a), *words;

	switch (p->type) {
	case PARAM_STRING:
	case PARAM_SECRET:
		json_set_str(schema, "type", "string");
		add_limits(schema, p, "minLength", "maxLength");
		if (p->type == PARAM_SECRET)
			json_set_bool(schema, "writeOnly", true);
		break;
	case PARAM_INT:
		if (p->flags & PARAM_DECIMAL)
			json_set(schema, "type", integer_or_text(a));
		else
			json_set_str(schema, "type", "integer");
		if (p->min != 0 || p->max != 0)
			add_limits(schema, p, "minimum", "maximum");
		break;
	case PARAM_BOOL:
		json_set_str(schema, "type", "boolean");
		break;
	case PARAM_ENUM:
		json_set_str(schema, "type", "string");
		words = json_array_in(a);
		for (const char *const *c = choice_list(a, p->choices); *c != NULL; c++)
			json_add_take(words, json_string(*c));
		json_set(schema, "enum", words);
		break;
	case PARAM_OBJECT:
		json_set_str(schema, "type", "object");
		break;
	case PARAM_ARRAY:
		json_set_str(schema, "type", "array");
		add_limits(schema, p, "minItems", "maxItems");
		break;
	}
	if (p->fallback == NULL)
		json_set_str(schema, "description", p->help);
	else
		json_set_str(schema, "description", arena_printf(a, "%s Default: %s.", p->help, p->fallback));
	return schema;
}

json_t *params_schema(struct arena *a, const struct param *table)
{
	json_t *schema = json_object_in(a), *properties = json_object_in(a), *required = json_array_in(a);

	for (const struct param *p = table; p->name != NULL; p++) {
		json_set(properties, p->name, param_schema(a, p));
		if (p->flags & PARAM_REQUIRED)
			json_add_take(required, json_string(p->name));
	}
	json_set_str(schema, "type", "object");
	json_set(schema, "properties", properties);
	json_set(schema, "required", required);
	json_set_bool(schema, "additionalProperties", false);
	return schema;
}
