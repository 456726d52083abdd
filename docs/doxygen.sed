# Links of the documents as Doxygen understands them. It numbers headings rather than naming them,
# has no page for files that are no headers of the library, and knows those by their names.
s/\[([^]]+)\]\(#[^)]*\)/\1/g
s/(\]\([^)#:]+)#[^)]*\)/\1)/g
s/\[([^]]+)\]\((\.\.\/)?(examples|benchmarks|tests|scripts|LICENSE)[^)]*\)/\1/g
s/\]\([a-z./]+\/([a-z_]+\.h)\)/](@ref \1)/g
