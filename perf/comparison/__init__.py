"""What perf/compare is made of: servers, shapes, running them in turn, and what is said of it."""
