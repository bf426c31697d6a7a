#include "animals.h"

#include <stdio.h>
#include <string.h>

struct animal animal_make_dog(unsigned tail_length)
{
    struct animal animal = {.kind = ANIMAL_DOG};
    animal.of.dog.tail_length = tail_length;
    return animal;
}

struct animal animal_make_cat(const char *name)
{
    struct animal animal = {.kind = ANIMAL_CAT};
    strncpy(animal.of.cat.name, name, sizeof animal.of.cat.name - 1);
    return animal;
}

void animal_print(const struct animal *animal) // STACK: animal_print entry
{
    switch (animal->kind) {
    case ANIMAL_DOG:
        printf("a dog with a tail of %u cm\n", animal->of.dog.tail_length);
        break;
    case ANIMAL_CAT:
        printf("a cat named %s\n", animal->of.cat.name);
        break;
    }
    /* Go ends a process without C's exit handlers, which would flush. */
    fflush(stdout);
}
