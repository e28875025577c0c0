#include "rpc/walletctl/args.h"

#include <string.h>

#include "base/text.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

struct arg arg_of(struct arena *a, const char *word)
{
	size_t n = strspn(word, NAME_CHARS);

	if (n > 0 && word[n] == '=')
		return (struct arg){ arena_strndup(a, word, n), word + n + 1 };
	return (struct arg){ NULL, word };
}

static int wrong(struct err *err, const struct param *p, const char *why)
{
	(void)ERR(err, ERR_PARAM, "%s %s", p->name, why);
	return err_field(err, p->name);
}

/* --- one value --- */

static int read_bool(const struct param *p, const char *text, json_t **ret, struct err *err)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "true", true },   { "yes", true }, { "1", true },
		      { "false", false }, { "no", false }, { "0", false } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, text) == 0) {
			*ret = json_boolean(words[i].value);
			return 0;
		}
	return wrong(err, p, "must be true or false");
}

static int read_json(struct arena *a, const struct param *p, const char *text, struct input *in, json_t **ret,
		     struct err *err)
{
	struct bytes json = bytes_of(text);

	if ((text[0] == '@' || strcmp(text, "-") == 0) && input_read(in, a, text, &json, err) != 0)
		return err_field(err, p->name);
	if (json_parse(a, json, JSON_DEPTH_MAX, ret, err) != 0) {
		err_context(err, "%s", p->name);
		return err_field(err, p->name);
	}
	return 0;
}

/* As it is, or from a file or standard input, then without the end of its last line. */
static int read_text(struct arena *a, const struct param *p, const char *text, struct input *in, json_t **ret,
		     struct err *err)
{
	struct bytes from = bytes_of(text);

	if ((p->flags & PARAM_FILE) && (text[0] == '@' || strcmp(text, "-") == 0)) {
		if (input_read(in, a, text, &from, err) != 0)
			return err_field(err, p->name);
		while (from.n > 0 && (from.p[from.n - 1] == '\n' || from.p[from.n - 1] == '\r'))
			from.n--;
	}
	*ret = json_hold(a, json_stringn((const char *)from.p, from.n));
	return 0;
}

static json_t *read_words(struct arena *a, const char *text)
{
	json_t *list = json_array_in(a);

	while (*text) {
		size_t n = strcspn(text, ",");

		json_add_take(list, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

static int refuse_secret(struct err *err, const struct param *p)
{
	wrong(err, p, "is a secret, and a command line can be read by every user of this machine");
	err_hint(err, "%s=- reads it from standard input (or asks for it), %s=@file from a file", p->name, p->name);
	return -1;
}

static int read_secret(struct arena *a, const struct param *p, const char *text, struct input *in, json_t **ret,
		       struct err *err)
{
	struct bytes secret;

	if (strcmp(text, "-") != 0 && (text[0] != '@' || text[1] == '\0'))
		return refuse_secret(err, p);
	if (input_secret(in, a, text, p->name, &secret, err) != 0)
		return err_field(err, p->name);
	*ret = json_hold(a, json_stringn((const char *)secret.p, secret.n));
	return 0;
}

static int read_value(struct arena *a, const struct param *p, const char *text, struct input *in, json_t **ret,
		      struct err *err)
{
	int64_t v;

	if (!text && p->type == PARAM_BOOL)
		text = "true";
	if (!text)
		return wrong(err, p, "needs a value");
	if (!utf8_valid(bytes_of(text)))
		return wrong(err, p, "is not UTF-8");
	switch (p->type) {
	case PARAM_STRING:
		return read_text(a, p, text, in, ret, err);
	case PARAM_ENUM:
		*ret = json_hold(a, json_string(text));
		return 0;
	case PARAM_INT:
		if (!parse_i64(text, INT64_MIN, INT64_MAX, &v))
			return wrong(err, p, "must be an integer");
		*ret = json_hold(a, json_integer(v));
		return 0;
	case PARAM_BOOL:
		return read_bool(p, text, ret, err);
	case PARAM_ARRAY:
		if (text[0] != '[' && text[0] != '@' && strcmp(text, "-") != 0) {
			*ret = read_words(a, text);
			return 0;
		}
		return read_json(a, p, text, in, ret, err);
	case PARAM_OBJECT:
		return read_json(a, p, text, in, ret, err);
	case PARAM_SECRET:
		return read_secret(a, p, text, in, ret, err);
	}
	return wrong(err, p, "has no type");
}

/* --- all of them --- */

static const struct param *row_of(const struct param *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* by_row[i]: the word that row i of the table was given, or NULL. */
static int place_args(struct arena *a, const struct param *table, struct args args, const struct arg **by_row,
		      struct err *err)
{
	size_t next = 0;

	for (size_t i = 0; i < args.n; i++) {
		const struct arg *arg = &args.list[i];
		const struct param *p = arg->name ? row_of(table, arg->name) : &table[next];

		if (!p) { /* params_check() knows which name is near */
			json_t *unknown = json_object_in(a), *checked;

			json_set_str(unknown, arg->name, NULL);
			return params_check(a, table, unknown, &checked, err);
		}
		if (!p->name)
			return ERR(err, ERR_PARAM, "too many values: at most %zu are taken", next);
		if (by_row[p - table])
			return wrong(err, p, "was given twice");
		by_row[p - table] = arg;
		if (!arg->name)
			next++;
	}
	return 0;
}

static int ask_missing(struct arena *a, const struct param *p, const struct args_options *opt, json_t *obj,
		       struct err *err)
{
	bool twice = opt->ask_twice && strcmp(opt->ask_twice, p->name) == 0;
	bool needed = (p->flags & PARAM_REQUIRED) != 0;
	struct bytes secret;

	if (p->type != PARAM_SECRET || !opt->in->tty)
		return 0;
	if (input_ask(opt->in, a, needed ? p->name : arena_printf(a, "%s (Enter for none)", p->name), twice, &secret,
		      err) != 0)
		return err_field(err, p->name);
	if (secret.n > 0)
		json_set_take(obj, p->name, json_stringn((const char *)secret.p, secret.n));
	return 0;
}

static int missing_hint(const struct param *table, struct err *err)
{
	const struct param *p = row_of(table, err->field);

	if (p && p->type == PARAM_SECRET && !err->hint[0])
		err_hint(err, "%s=- reads it from standard input, %s=@file from a file", p->name, p->name);
	return -1;
}

int args_read(struct arena *a, const struct param *table, struct args args, const struct args_options *opt,
	      json_t **ret, struct err *err)
{
	json_t *obj = json_object_in(a), *v;
	const struct arg **by_row;
	size_t rows = 0;

	while (table[rows].name)
		rows++;
	by_row = ARENA_ARRAY(a, rows + 1, const struct arg *);
	err_clear(err);
	if (place_args(a, table, args, by_row, err) != 0)
		return -1;
	for (size_t i = 0; i < rows; i++) {
		if (!by_row[i])
			continue;
		if (read_value(a, &table[i], by_row[i]->value, opt->in, &v, err) != 0)
			return -1;
		json_set(obj, table[i].name, v);
	}
	for (size_t i = 0; i < rows; i++)
		if (!by_row[i] && ask_missing(a, &table[i], opt, obj, err) != 0)
			return -1;
	if (params_check(a, table, obj, ret, err) != 0)
		return missing_hint(table, err);
	return 0;
}

/* --- a table from its schema --- */

static int type_of(struct arena *a, const json_t *schema, struct param *p, struct err *err)
{
	static const struct {
		const char *word;
		enum param_type type;
	} types[] = { { "string", PARAM_STRING },
		      { "integer", PARAM_INT },
		      { "boolean", PARAM_BOOL },
		      { "object", PARAM_OBJECT },
		      { "array", PARAM_ARRAY } };
	const json_t *choices = json_object_get(schema, "enum"), *choice;
	const char *word;
	size_t i;

	if (json_get_str(schema, "type", 16, &word, err) != 0)
		return -1;
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].word, word) == 0)
			p->type = types[i].type;
	if (p->type == 0)
		return ERR(err, ERR_PARSE, "unknown type");
	if (p->type != PARAM_STRING)
		return 0;
	if (json_is_true(json_object_get(schema, "writeOnly")))
		p->type = PARAM_SECRET;
	if (!json_is_array(choices))
		return 0;
	p->type = PARAM_ENUM;
	p->choices = "";
	json_array_foreach(choices, i, choice) p->choices = arena_printf(
		a, "%s%s%s", p->choices, i ? "|" : "", json_is_string(choice) ? json_string_value(choice) : "");
	return 0;
}

static int limits_from(const json_t *schema, struct param *p, struct err *err)
{
	static const struct {
		enum param_type type;
		const char *min, *max;
	} names[] = { { PARAM_STRING, "minLength", "maxLength" },
		      { PARAM_SECRET, "minLength", "maxLength" },
		      { PARAM_INT, "minimum", "maximum" },
		      { PARAM_ARRAY, "minItems", "maxItems" } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].type == p->type && (json_opt_i64(schema, names[i].min, &p->min, err) != 0 ||
						 json_opt_i64(schema, names[i].max, &p->max, err) != 0))
			return -1;
	return 0;
}

static bool is_required(const json_t *schema, const char *name)
{
	const json_t *word;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i,
			   word) if (json_is_string(word) && strcmp(json_string_value(word), name) == 0) return true;
	return false;
}

int args_table(struct arena *a, const json_t *schema, const struct param **ret, struct err *err)
{
	json_t *properties, *property;
	struct param *table, *p;
	const char *name;

	if (json_get_obj(schema, "properties", &properties, err) != 0)
		return -1;
	p = table = ARENA_ARRAY(a, json_object_size(properties) + 1, struct param);
	json_object_foreach(properties, name, property)
	{
		p->name = name;
		p->help = "";
		p->flags = is_required(schema, name) ? PARAM_REQUIRED : 0;
		if (type_of(a, property, p, err) != 0 || limits_from(property, p, err) != 0 ||
		    json_opt_str(property, "description", 4096, &p->help, err) != 0)
			return err_context(err, "%.64s", name);
		p++;
	}
	*ret = table;
	return 0;
}
