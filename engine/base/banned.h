/* banned.h: functions that write without knowing the room they have, made compile errors.
 * Include it last. The idea is git's. */
#ifndef NL_BANNED_H
#define NL_BANNED_H

#define NL_BANNED(fn) sorry_##fn##_is_banned

#undef strcpy
#define strcpy(x, y) NL_BANNED(strcpy)
#undef strcat
#define strcat(x, y) NL_BANNED(strcat)
#undef strncpy
#define strncpy(x, y, n) NL_BANNED(strncpy)
#undef strncat
#define strncat(x, y, n) NL_BANNED(strncat)
#undef sprintf
#define sprintf(...) NL_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) NL_BANNED(vsprintf)
#undef strtok
#define strtok(x, y) NL_BANNED(strtok)
#undef gets
#define gets(x) NL_BANNED(gets)

#endif
