void install(void);
void call_leaf(void);
void call_back(int levels);
/* In a thread of C, which calls Go, or does not. */
void in_thread(int calls_go);
