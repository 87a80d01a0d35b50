// libcurl as Swift sees it.
#pragma once
#include <curl/curl.h>
