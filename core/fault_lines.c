/* See fault_lines.h. */
#include "fault_lines.h"

static struct fault_line *find(struct fault_lines *table, struct str at)
{
    for (size_t i = 0; i < table->used; i++) {
        if (str_equal(str_of(table->lines[i].at), at))
            return &table->lines[i];
    }
    return NULL;
}

static struct fault_line *add(struct fault_lines *table, struct str at)
{
    if (table->used == FAULT_LINES)
        return NULL;
    struct fault_line *line = &table->lines[table->used++];
    memcpy(line->at, at.data, at.size);
    line->at[at.size] = '\0';
    return line;
}

void fault_lines_count(struct fault_lines *table, struct str at)
{
    if (at.size >= FAULT_LINE_SIZE) /* the end tells more: the name of the file, and the line */
        at = str_skip(at, at.size - FAULT_LINE_SIZE + 1);
    struct fault_line *line = at.size > 0 ? find(table, at) : NULL;
    if (!line && at.size > 0)
        line = add(table, at);
    if (line)
        line->count++;
    else
        table->elsewhere++;
}
