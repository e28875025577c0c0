/* base/log.h - one line per event: a name and typed fields, never a sentence with numbers glued in.
 *
 * log_info(&s->log, "cashu.issued", F_ECASH("amount", sum), F_STR("mint", host));
 * error = a person must look; warn = unusual, coped with; info = a state changed; debug = why.  base/, store/ and
 * rails/ log at debug at most.  A handle carries the module and the id that one search should find.  There is no field
 * for a secret.  Text from outside is escaped. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/amount.h"
#include "base/err.h"

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 }; /* syslog's numbers */
enum log_format { LOG_LOGFMT = 1, LOG_JSON = 2 };

struct log {
	const char *module; /* "executor", "rpc", "net", …: static text */
	char id[64];        /* action, exit or request id, or "" */
};
struct log log_module(const char *module);
struct log log_with_id(const char *module, const char *id);

enum log_field_type { LOG_F_END = 0, LOG_F_STR, LOG_F_INT, LOG_F_UINT, LOG_F_BOOL };
struct log_field {
	enum log_field_type type;
	const char *name;
	const char *str;
	int64_t i;
	uint64_t u;
};
#define F_STR(name_, v)   ((struct log_field){ .type = LOG_F_STR, .name = (name_), .str = (v) })
#define F_INT(name_, v)   ((struct log_field){ .type = LOG_F_INT, .name = (name_), .i = (int64_t)(v) })
#define F_UINT(name_, v)  ((struct log_field){ .type = LOG_F_UINT, .name = (name_), .u = (uint64_t)(v) })
#define F_BOOL(name_, v)  ((struct log_field){ .type = LOG_F_BOOL, .name = (name_), .i = (v) ? 1 : 0 })
#define F_ECASH(name_, a) F_UINT(name_, ecash_value(a))
/* An error as two fields: kind and message. */
#define F_ERR(e) F_STR("kind", err_kind((e)->code)), F_STR("error", (e)->msg)

void log_event(const struct log *log, enum log_level level, const char *event, const struct log_field *fields);
#define LOG_AT(log, level, event, ...)                                                                                 \
	do {                                                                                                           \
		if (log_enabled((log), (level)))                                                                       \
			log_event((log), (level), (event), (const struct log_field[]){ __VA_ARGS__, { 0 } });          \
	} while (0)
/* Each takes at least one field. */
#define log_error(log, event, ...) LOG_AT(log, LOG_ERROR, event, __VA_ARGS__)
#define log_warn(log, event, ...)  LOG_AT(log, LOG_WARN, event, __VA_ARGS__)
#define log_info(log, event, ...)  LOG_AT(log, LOG_INFO, event, __VA_ARGS__)
#define log_debug(log, event, ...) LOG_AT(log, LOG_DEBUG, event, __VA_ARGS__)
bool log_enabled(const struct log *log, enum log_level level);

/* Process-wide sink; call again to reload.  path NULL: stderr (with <N> priority prefixes when journal is true). */
MUST_CHECK int log_open(const char *path, enum log_format format, bool journal, struct err *err);
/* level for one module, or for all with module NULL.  Unknown modules are accepted: they match when they appear. */
void log_set_level(const char *module, enum log_level level);
enum log_level log_get_level(const char *module);
MUST_CHECK bool log_level_parse(const char *text, enum log_level *ret); /* error warn info debug */
const char *log_level_name(enum log_level level);

#endif
