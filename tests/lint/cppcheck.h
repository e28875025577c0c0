/* Stand-ins for macros of library headers, which cppcheck does not read. */
#define LIST_HEAD(name, type)  struct name { struct type *lh_first; }
#define LIST_ENTRY(type)       struct { struct type *le_next, **le_prev; }
#define TAILQ_HEAD(name, type) struct name { struct type *tqh_first, **tqh_last; }
#define TAILQ_ENTRY(type)      struct { struct type *tqe_next, **tqe_prev; }
#define LIST_FOREACH(var, head, field)  for ((var) = (head)->lh_first; (var); (var) = (var)->field.le_next)
#define TAILQ_FOREACH(var, head, field) for ((var) = (head)->tqh_first; (var); (var) = (var)->field.tqe_next)
#define json_object_foreach(object, key, value)                                                                        \
	for ((key) = json_object_iter_key(json_object_iter(object));                                                   \
	     (key) && ((value) = json_object_get((object), (key)));                                                    \
	     (key) = json_object_iter_key(json_object_iter_next((object), (key))))
#define json_array_foreach(array, index, value)                                                                        \
	for ((index) = 0; (index) < json_array_size(array) && ((value) = json_array_get((array), (index))); (index)++)
