/* rare: marks a function off the common way. It is kept out of its callers, who
 * would have to save registers, or build a frame, for what they seldom do. */
#ifndef ENGRAM_BASE_RARE_H
#define ENGRAM_BASE_RARE_H

#define RARE __attribute__((noinline))

#endif
