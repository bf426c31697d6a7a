#ifndef ANIMALS_H
#define ANIMALS_H

/* Which member of the union below holds. */
enum animal_kind { ANIMAL_DOG = 1, ANIMAL_CAT = 2 };

/* A tagged union: a dog has a tail, a cat has a name. */
struct animal {
    enum animal_kind kind;
    union {
        struct {
            unsigned tail_length; /* centimetres */
        } dog;
        struct {
            char name[20]; /* ends with a zero byte, cut where it is too long */
        } cat;
    } of;
};

struct animal animal_make_dog(unsigned tail_length);
struct animal animal_make_cat(const char *name);
void animal_print(const struct animal *animal);

/* Starts threads that map and unmap memory until the process ends.
 * Returns how many were started. */
int animal_noise(int threads);

#endif
