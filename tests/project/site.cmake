# The web site, without the reports of programs, whose links and looks have tests of their own: it is
# built, its links lead somewhere, and Chromium, if it is here, shows it on a screen and on a phone.
set(site ${CMAKE_CURRENT_BINARY_DIR}/site)
set(python ${PROJECT_SOURCE_DIR}/tests/interchange/run_python.sh)
set(check_site ${CMAKE_CURRENT_SOURCE_DIR}/check_site.py)

add_test(NAME project.site
         COMMAND ${python} pygments ${PROJECT_SOURCE_DIR}/docs/site/build.py ${PROJECT_SOURCE_DIR}
                 ${site} --version ${PROJECT_VERSION})
add_test(NAME project.site_links COMMAND ${python} sys ${check_site} ${site})
add_test(NAME project.site_browser
         COMMAND ${python} selenium ${CMAKE_CURRENT_SOURCE_DIR}/site_browser_test.py ${site})
set_tests_properties(project.site PROPERTIES FIXTURES_SETUP site)
set_tests_properties(project.site_links project.site_browser PROPERTIES FIXTURES_REQUIRED site)
set_tests_properties(project.site project.site_links project.site_browser
                     PROPERTIES SKIP_RETURN_CODE 77)

set(broken ${CMAKE_CURRENT_BINARY_DIR}/broken_site)
file(WRITE ${broken}/index.html "<p id=a></p><p id=a></p><a href='gone.html'></a><a href='#b'></a>\n")
add_test(NAME project.site_links_check COMMAND ${python} sys ${check_site} ${broken})
set_tests_properties(
  project.site_links_check
  PROPERTIES PASS_REGULAR_EXPRESSION "id a occurs twice.*#b: there is no such.*gone.html is not there")
