#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"

#define VALUE_MAX 1024u
#define FIELD_CAP (8u * 1024)  /* a value of VALUE_MAX bytes, each escaped, and its name */
#define LINE_CAP  (16u * 1024) /* journald splits what is longer than 48 KiB */
#define TAIL_ROOM 32u          /* for the mark of a shortened line, and its end */

struct module_level {
	struct module_level *next;
	enum log_level level;
	char name[];
};

static struct {
	int fd;
	enum log_format format;
	bool journal;
	enum log_level level;
	struct module_level *modules; /* the exceptions to level */
} sink = { .fd = STDERR_FILENO, .format = LOG_LOGFMT, .level = LOG_INFO };

/* Kept from line to line, so that logging does not allocate. */
static struct buf line = { .cap = LINE_CAP }, field = { .cap = FIELD_CAP };

struct log log_module(const char *module)
{
	return (struct log){ .module = module };
}

struct log log_with_id(const char *module, const char *id)
{
	struct log log = log_module(module);

	(void)snprintf(log.id, sizeof(log.id), "%s", id); /* an id from outside may be longer: its start will do */
	return log;
}

/* Would a terminal act on it, or show the line as something else?  Control characters of both sets, line separators,
 * and the marks that reorder text. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xfffd;
}

static void add_escaped(struct buf *to, const char *text)
{
	struct bytes v = bytes_of(text);
	bool cut = v.n > VALUE_MAX;

	if (cut)
		v.n = VALUE_MAX;
	while (v.n > 0) {
		uint32_t c;
		size_t n = utf8_next(v, &c);

		if (n == 0)
			c = 0xfffd; /* a byte that is no text, also the first half of a cut character */
		if (c == '"' || c == '\\')
			buf_printf(to, "\\%c", (char)c);
		else if (c == '\n')
			buf_text_add(to, "\\n");
		else if (is_unsafe(c))
			buf_printf(to, "\\u%04x", (unsigned)c);
		else
			buf_add(to, v.p, n);
		n = n > 0 ? n : 1;
		v.p += n;
		v.n -= n;
	}
	if (cut)
		buf_text_add(to, "...");
}

static bool is_bare(const char *text)
{
	return text[0] != '\0' && strlen(text) <= VALUE_MAX && text_printable_ascii(text) &&
	       strpbrk(text, " \"=\\") == NULL;
}

static void add_str(struct buf *to, const char *text)
{
	if (text == NULL) {
		buf_text_add(to, "null");
	} else if (sink.format == LOG_LOGFMT && is_bare(text)) {
		buf_text_add(to, text);
	} else {
		buf_u8(to, '"');
		add_escaped(to, text);
		buf_u8(to, '"');
	}
}

static void add_value(struct buf *to, const struct log_field *f)
{
	switch (f->type) {
	case LOG_F_END:
		return;
	case LOG_F_STR:
		add_str(to, f->str);
		return;
	case LOG_F_INT:
		buf_printf(to, "%" PRId64, f->i);
		return;
	case LOG_F_UINT:
		buf_printf(to, "%" PRIu64, f->u);
		return;
	case LOG_F_BOOL:
		buf_text_add(to, f->i != 0 ? "true" : "false");
		return;
	}
	abort();
}

/* A field is added whole or not at all, so that a line always parses.  False when the line is full. */
static bool add_field(struct log_field f, bool first)
{
	const char *separator = sink.format == LOG_JSON ? "," : " ";

	buf_reset(&field);
	buf_printf(&field, sink.format == LOG_JSON ? "%s\"%s\":" : "%s%s=", first ? "" : separator, f.name);
	add_value(&field, &f);
	if (!buf_ok(&field) || field.n > LINE_CAP - TAIL_ROOM - line.n)
		return false;
	buf_add_bytes(&line, buf_bytes(&field));
	return true;
}

/* RFC 3339, UTC, ms. */
static void write_time(char to[32])
{
	int64_t now_ms = clock_now_ms();
	time_t s = (time_t)(now_ms / 1000);
	size_t n = 0;
	struct tm tm;

	if (gmtime_r(&s, &tm) != NULL)
		n = strftime(to, 24, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(to + n, 32 - n, ".%03dZ", (int)(now_ms % 1000));
}

/* A line that cannot be written is counted: there is nobody else to tell. */
static void write_line(void)
{
	struct bytes v = buf_bytes(&line);

	while (v.n > 0) {
		ssize_t n = write(sink.fd, v.p, v.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			metric_inc(metric_counter("walletd_log_lost_total", "", "Log lines not written."));
			return;
		}
		v.p += n;
		v.n -= (size_t)n;
	}
}

void log_event(const struct log *log, enum log_level level, const char *event, const struct log_field *fields)
{
	int saved_errno = errno; /* whoever logs a failure may still need it */
	char now[32];
	bool whole;

	write_time(now);
	buf_reset(&line);
	if (sink.journal)
		buf_printf(&line, "<%d>", (int)level);
	if (sink.format == LOG_JSON)
		buf_u8(&line, '{');
	whole = add_field(F_STR("ts", now), true) && add_field(F_STR("level", log_level_name(level)), false) &&
		add_field(F_STR("module", log->module), false) &&
		(log->id[0] == '\0' || add_field(F_STR("id", log->id), false)) &&
		add_field(F_STR("event", event), false);
	for (; whole && fields->type != LOG_F_END; fields++)
		whole = add_field(*fields, false);
	if (!whole)
		buf_text_add(&line, sink.format == LOG_JSON ? ",\"truncated\":true" : " truncated=true");
	buf_text_add(&line, sink.format == LOG_JSON ? "}\n" : "\n");
	write_line();
	errno = saved_errno;
}

static struct module_level *find(const char *module)
{
	struct module_level *m = sink.modules;

	while (m != NULL && strcmp(m->name, module) != 0)
		m = m->next;
	return m;
}

bool log_enabled(const struct log *log, enum log_level level)
{
	return level <= log_get_level(log->module);
}

int log_open(const char *path, enum log_format format, bool journal, struct err *err)
{
	int fd = STDERR_FILENO;

	if (path != NULL) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd < 0)
			return ERR(err, ERR_IO, "cannot open the log file %s: %s", path, strerror(errno));
	}
	if (sink.fd != STDERR_FILENO)
		(void)close(sink.fd); /* every line went out with a write of its own */
	sink.fd = fd;
	sink.format = format;
	sink.journal = journal && path == NULL;
	return 0;
}

void log_set_level(const char *module, enum log_level level)
{
	struct module_level *m;
	size_t n;

	if (module == NULL) {
		while ((m = sink.modules) != NULL) {
			sink.modules = m->next;
			free(m);
		}
		sink.level = level;
		return;
	}
	m = find(module);
	if (m == NULL) {
		n = strlen(module) + 1;
		m = malloc(sizeof(*m) + n);
		if (m == NULL)
			err_fatal("out of memory");
		memcpy(m->name, module, n);
		m->next = sink.modules;
		sink.modules = m;
	}
	m->level = level;
}

enum log_level log_get_level(const char *module)
{
	const struct module_level *m = module == NULL ? NULL : find(module);

	return m == NULL ? sink.level : m->level;
}

static const enum log_level levels[] = { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

bool log_level_parse(const char *text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(text, log_level_name(levels[i])) == 0) {
			*ret = levels[i];
			return true;
		}
	}
	return false;
}

const char *log_level_name(enum log_level level)
{
	switch (level) {
	case LOG_ERROR:
		return "error";
	case LOG_WARN:
		return "warn";
	case LOG_INFO:
		return "info";
	case LOG_DEBUG:
		return "debug";
	}
	abort();
}
