#include "rpc/walletctl/completion.h"

#include <string.h>

#include "rpc/walletctl/cmdline.h"

/* "amount=" for what takes a value, "unit=sat unit=usd" where the values are known. */
static void add_param(struct buf *to, const struct param *p)
{
	const char *choice = p->type == PARAM_BOOL ? "true|false" : p->type == PARAM_ENUM ? p->choices : "";

	if (!*choice)
		buf_printf(to, " %s=%s", p->name, p->type == PARAM_SECRET ? "-" : "");
	while (*choice) {
		size_t n = strcspn(choice, "|");

		buf_printf(to, " %s=%.*s", p->name, (int)n, choice);
		choice += n + (choice[n] == '|');
	}
}

/* In two words, where a method's name has two parts. */
static void add_second_words(struct buf *to, const struct rpc_method *const *methods, const char *first, size_t n)
{
	for (; *methods; methods++)
		if (strncmp((*methods)->name, first, n) == 0 && (*methods)->name[n] == '.')
			buf_printf(to, " %s", (*methods)->name + n + 1);
}

static bool seen_before(const struct rpc_method *const *methods, size_t i, size_t n)
{
	for (size_t k = 0; k < i; k++)
		if (strncmp(methods[k]->name, methods[i]->name, n) == 0 && methods[k]->name[n] == '.')
			return true;
	return false;
}

void completion_bash(struct buf *to, const struct rpc_method *const *methods)
{
	buf_text_add(
		to, "# bash completion for walletctl: eval \"$(walletctl completion bash)\"\n"
		    "_walletctl()\n"
		    "{\n"
		    "\tlocal line=${COMP_LINE:0:COMP_POINT} cur words='' command='' second='' word before=()\n\n"
		    /* Words as the user sees them: bash itself would split at '='. */
		    "\tread -ra before <<<\"$line\"\n"
		    "\tcur=''\n"
		    "\t[[ $line == *[[:space:]] ]] || cur=${before[-1]}\n"
		    "\t[[ -z $cur ]] || unset 'before[-1]'\n"
		    "\tfor word in \"${before[@]:1}\"; do\n"
		    "\t\tcase $word in\n"
		    "\t\t-*|*=*) ;;\n"
		    "\t\t*) if [[ -z $command ]]; then command=$word; elif [[ -z $second ]]; then second=$word; fi ;;\n"
		    "\t\tesac\n"
		    "\tdone\n"
		    "\tcase $command in\n"
		    "\t'') words='start pay wait completion");
	for (const struct rpc_method *const *m = methods; *m; m++)
		if (strcmp((*m)->name, "wait") != 0)
			buf_printf(to, " %s", (*m)->name);
	buf_text_add(to, "' ;;\n"
			 "\tcompletion) words=bash ;;\n"
			 "\thelp) words='");
	for (const struct rpc_method *const *m = methods; *m; m++)
		buf_printf(to, "%s%s", m == methods ? "" : " ", (*m)->name);
	buf_text_add(to, "' ;;\n"
			 "\tstart) words=\"$(walletctl completion kinds $second 2>/dev/null)"
			 " ${second:+--wait dry_run=true}\" ;;\n");
	buf_text_add(to, "\tpay) words=\"$(walletctl completion kinds cashu_melt 2>/dev/null) dry_run=true\" ;;\n");
	for (size_t i = 0; methods[i]; i++) {
		size_t n = strcspn(methods[i]->name, ".");

		if (methods[i]->name[n] != '.' || seen_before(methods, i, n))
			continue;
		buf_printf(to, "\t%.*s)\n\t\tif [[ -z $second ]]; then words='", (int)n, methods[i]->name);
		add_second_words(to, methods, methods[i]->name, n);
		buf_text_add(to, "'; else command=$command.$second; fi ;;\n");
	}
	buf_text_add(to, "\tesac\n"
			 "\tcase $command in\n");
	for (; *methods; methods++) {
		if (!(*methods)->params || strcmp((*methods)->name, "help") == 0)
			continue;
		buf_printf(to, "\t%s) words='", (*methods)->name);
		for (const struct param *p = (*methods)->params; p->name; p++)
			add_param(to, p);
		buf_text_add(to, "' ;;\n");
	}
	buf_text_add(to, "\tesac\n"
			 "\t[[ $cur != -* ]] || words='");
	cmdline_option_words_add(to);
	buf_text_add(to, "'\n"
			 "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			 "\t[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace\n"
			 /* What readline replaces begins behind the last '='. */
			 "\tif [[ $cur == *=* ]]; then COMPREPLY=(\"${COMPREPLY[@]#*=}\"); fi\n"
			 "}\n"
			 "complete -F _walletctl walletctl\n");
}
