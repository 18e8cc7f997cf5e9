/* Where no library for i386 programs was built, their loader is given this: over a file that is missing, or
   for another machine, it complains on the standard error of each program. */
typedef int portguard_is_not_in_here;
